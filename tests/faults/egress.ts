/** The `egress` chapter of a row: targets that need a token each, and what a token endpoint answers. */
import type { TokenAnswer } from '../support/token-endpoint.ts';

export interface TargetOptions {
  readonly url: string;
  readonly tokenUrl: string;
}

/** `/name` leads to the target of that name; `SECRET` must be in the environment. */
export function egressChapter(targets: Readonly<Record<string, TargetOptions>>): string {
  const lines = Object.entries(targets).map(
    ([name, { url, tokenUrl }]) => `    ${name}:
      url: ${url}
      auth: { type: oauth2_client_credentials, token_url: "${tokenUrl}", client_id: order-service, client_secret: "\${SECRET}" }
`,
  );
  const routes = Object.keys(targets).map((name) => `    - { path_prefix: /${name}, target: ${name} }\n`);
  return `egress:\n  enabled: true\n  addr: 127.0.0.1:0\n  targets:\n${lines.join('')}  routes:\n${routes.join('')}`;
}

export const SECRET = { SECRET: 'canary-client-secret' };

export function granted(expiresInSeconds: number, token = 'good.access.token'): TokenAnswer {
  return { body: { access_token: token, token_type: 'Bearer', expires_in: expiresInSeconds } };
}
