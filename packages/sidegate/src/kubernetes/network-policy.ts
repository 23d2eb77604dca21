/** Who reaches a service at all, and on which port; who calls is proven by its sidecar, not by this. */
import type { ClusterService, KubernetesObject } from './cluster.ts';

/** The kubelet's probes are let in by every network plug-in, so that the port of the sidecar is the only one. */
export function networkPolicy({ name, namespace, port, callers }: ClusterService): KubernetesObject {
  const from = callers?.map((caller) => ({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': caller.namespace } },
    podSelector: { matchLabels: { app: caller.name } },
  }));
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec: {
      podSelector: { matchLabels: { app: name } },
      policyTypes: ['Ingress'],
      ingress: [{ ...(from === undefined ? {} : { from }), ports: [{ protocol: 'TCP', port }] }],
    },
  };
}
