/**
 * A Kubernetes service-account token → selectors. Only projected tokens count, which are bound to a pod, expire and name this
 * authority as their audience; those of a Secret are refused, and so is one made by hand for a service account.
 */
import { isJsonObject, type JsonObject, Problem, type TokenVerifier } from '@sidegate/sdk';

/** @throws Problem `token_*`, `jwks_unavailable`, as a rejection */
export type AttestToken = (token: string) => Promise<readonly string[]>;

/** @param verifier of the cluster's issuer, for this authority's audience */
export function kubernetesAttestor(verifier: TokenVerifier): AttestToken {
  return async (token) => {
    const { subject, claims } = await verifier.verify(token);
    const bound = claims['kubernetes.io'];
    if (!isJsonObject(bound)) throw unbound('no kubernetes.io');
    const namespace = textOf(bound, 'namespace');
    const account = objectOf(bound, 'serviceaccount');
    const name = textOf(account, 'name');
    textOf(account, 'uid');
    if (subject !== `system:serviceaccount:${namespace}:${name}`) throw unbound('a sub of another service account');
    const pod = objectOf(bound, 'pod');
    return [
      `k8s:ns:${namespace}`,
      `k8s:sa:${name}`,
      `k8s:pod-name:${textOf(pod, 'name')}`,
      `k8s:pod-uid:${textOf(pod, 'uid')}`,
      ...(bound['node'] === undefined ? [] : [`k8s:node-name:${textOf(objectOf(bound, 'node'), 'name')}`]),
    ];
  };
}

function objectOf(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  if (!isJsonObject(value)) throw unbound(`no ${name}`);
  return value;
}

/** Names of Kubernetes have neither colon nor space, so that no value looks like two selectors. */
function textOf(object: JsonObject, name: string): string {
  const value = object[name];
  if (typeof value !== 'string' || !/^[A-Za-z0-9.-]{1,253}$/.test(value)) throw unbound(`no ${name}`);
  return value;
}

function unbound(what: string): Problem {
  return new Problem('token_claim_type', `a service-account token with ${what}, so it is not bound to a pod`);
}
