/** A new token as whoever asked for it wants it: for a person, a pipe, a program, a shell or a cluster. */
import { DAY_SECONDS } from '@sidegate/sdk/service-tokens';
import type { IssuedToken } from './token-issue.ts';

export const OUTPUTS = ['text', 'raw', 'json', 'env', 'k8s-secret'] as const;
export type Output = (typeof OUTPUTS)[number];

export interface SecretPlace {
  readonly secretName: string;
  readonly secretKey?: string;
  readonly namespace?: string;
}

const RULE = '='.repeat(80);

/** @param isTerminal a person reads it: a bare token is followed by a line break */
export function renderTokens(
  tokens: readonly IssuedToken[],
  output: Output,
  place: SecretPlace,
  isTerminal: boolean,
): string {
  const forms: Readonly<Record<Output, () => string>> = {
    text: () => tokens.map(banner).join('\n'),
    // A line break at its end would become a part of a secret that is made from a file.
    raw: () => tokens.map(({ token }) => token).join('\n') + (isTerminal || tokens.length > 1 ? '\n' : ''),
    json: () => `${JSON.stringify({ tokens: tokens.map(jsonOf) })}\n`,
    env: () => tokens.map(({ service, token }) => `${variableOf(service)}=${token}\n`).join(''),
    'k8s-secret': () => manifest(tokens, place),
  };
  return forms[output]();
}

function banner({ service, token, lifetimeSeconds }: IssuedToken): string {
  const variable = variableOf(service);
  return `Generating service token for: ${service}
Expiration: ${duration(lifetimeSeconds)}
${RULE}
✓ Token generated successfully!

Token:
${token}

Environment Variable:
export ${variable}='${token}'

Usage in Code:
const headers = { Authorization: \`Bearer \${process.env.${variable}}\` };

Test with curl:
curl -H 'Authorization: Bearer ${token}' https://localhost/api/v1/...
${RULE}

Verifying token...
✓ Token is valid and verified!
`;
}

function duration(seconds: number): string {
  const days = seconds / DAY_SECONDS;
  return days === 1 ? '1 day' : `${days} days`;
}

function variableOf(service: string): string {
  return `${service.toUpperCase().replaceAll('-', '_')}_TOKEN`;
}

function jsonOf({ service, token, id, issuedAt, expiresAt, tenants, operations }: IssuedToken): object {
  return {
    service,
    token,
    id,
    issued_at: new Date(issuedAt).toISOString(),
    expires_at: new Date(expiresAt).toISOString(),
    tenants,
    operations,
  };
}

function manifest(tokens: readonly IssuedToken[], { secretName, secretKey, namespace }: SecretPlace): string {
  const data = tokens.map(({ service, token }) => `  ${secretKey ?? `${service}-token`}: ${JSON.stringify(token)}\n`);
  return `apiVersion: v1
kind: Secret
metadata:
  name: ${secretName}
${namespace === undefined ? '' : `  namespace: ${namespace}\n`}type: Opaque
stringData:
${data.join('')}`;
}
