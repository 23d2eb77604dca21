/** One of several replicas of an egress sidecar: each has its own memory, all may share a token store. */
import type { HttpApp } from './http-app.ts';
import { startTestSidecar, type TestSidecar } from './sidecar.ts';
import type { TokenEndpoint } from './token-endpoint.ts';

export const REPLICA_SECRETS = { CLIENT: 'canary-client-secret', REDIS: 'canary-redis-password' };

interface ReplicaOptions {
  readonly endpoint: TokenEndpoint;
  readonly target: HttpApp;
  /** `egress.token_store`, as a flow mapping. */
  readonly store: string;
  readonly scope?: string;
  readonly clientSecret?: string;
}

export function startReplica({
  endpoint,
  target,
  store,
  scope = 'read',
  clientSecret,
}: ReplicaOptions): Promise<TestSidecar> {
  return startTestSidecar({
    yaml: `
service: { name: order-service }
egress:
  enabled: true
  addr: 127.0.0.1:0
  token_store: ${store}
  targets:
    data:
      url: http://127.0.0.1:${target.port}
      auth: { type: oauth2_client_credentials, token_url: "\${URL}", client_id: order, client_secret: "\${CLIENT}", scopes: [${scope}] }
  routes: [{ path_prefix: /data, target: data }]
`,
    files: {},
    env: { ...REPLICA_SECRETS, ...(clientSecret === undefined ? {} : { CLIENT: clientSecret }), URL: endpoint.url },
  });
}
