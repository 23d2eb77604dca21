/** SPIRE's own files for a topology: an agent's configuration, and the script that registers its workloads. */
import { parseSpiffeId } from '@sidegate/sdk';

export interface SpireTopology {
  readonly trustDomain: string;
  /** Kubernetes namespace of all services, each with a service account of its name. */
  readonly namespace: string;
  /** As the node attestor knows it. */
  readonly cluster: string;
  /** The agent that attests them. */
  readonly node: string;
  readonly serverAddress: string;
  readonly serverPort: number;
  /** Of X.509-SVIDs. */
  readonly ttlSeconds: number;
  readonly services: readonly SpireService[];
}

export interface SpireService {
  readonly name: string;
  /** What it is reached by, for its certificate; absent: it is only known by its SPIFFE ID. */
  readonly host?: string | undefined;
}

/** File name → content. */
export function spireFiles(topology: SpireTopology): ReadonlyMap<string, string> {
  return new Map([
    ['spire-agent.conf', agentConfig(topology)],
    ['register-entries.sh', registrationScript(topology)],
  ]);
}

function agentConfig({ trustDomain, cluster, serverAddress, serverPort }: SpireTopology): string {
  return `# spire-agent.conf: one agent on each node, as a DaemonSet.
agent {
  data_dir = "/var/lib/spire/agent"
  log_level = "INFO"
  trust_domain = "${trustDomain}"
  server_address = "${serverAddress}"
  server_port = ${serverPort}
  # What the server is verified with at the first contact: mounted from its ConfigMap.
  trust_bundle_path = "/run/spire/bundle/bundle.crt"
  socket_path = "/run/spire/sockets/agent.sock"
}

plugins {
  KeyManager "disk" {
    plugin_data {
      directory = "/var/lib/spire/agent/keys"
    }
  }

  NodeAttestor "k8s_psat" {
    plugin_data {
      cluster = "${cluster}"
    }
  }

  WorkloadAttestor "k8s" {
    plugin_data {
      skip_kubelet_verification = false
    }
  }
}
`;
}

function registrationScript(topology: SpireTopology): string {
  const entries = topology.services.map((service) => registrationEntry(service, topology));
  return `#!/bin/sh
# Registers the workloads of ${topology.trustDomain}: which service account is which SPIFFE ID.
set -eu

# Releases of today have a lifetime for each kind of SVID, older ones have -ttl for both.
case "$(spire-server entry create -h 2>&1 || true)" in
  *x509SVIDTTL*) ttl=-x509SVIDTTL ;;
  *) ttl=-ttl ;;
esac
${entries.join('')}`;
}

function registrationEntry({ name, host }: SpireService, topology: SpireTopology): string {
  const { trustDomain, namespace, cluster, node, ttlSeconds } = topology;
  const { uri: id } = parseSpiffeId(`spiffe://${trustDomain}/ns/${namespace}/sa/${name}`);
  const { uri: parent } = parseSpiffeId(`spiffe://${trustDomain}/spire/agent/k8s_psat/${cluster}/${node}`);
  const dns = host === undefined ? '' : `  -dns ${host} \\\n`;
  return `
# Register ${name} workload
spire-server entry create \\
  -spiffeID ${id} \\
  -parentID ${parent} \\
  -selector k8s:ns:${namespace} \\
  -selector k8s:sa:${name} \\
${dns}  "$ttl" ${ttlSeconds}
`;
}
