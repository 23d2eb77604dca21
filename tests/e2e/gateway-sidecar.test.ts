/** A sidecar as the gateway of a platform, with the configuration and the policy of docs/service-tokens.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { valuesOf } from '../support/http-app.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { ORCHESTRATOR, USER_CLAIMS } from '../support/platform-tokens.ts';

const guide = readFileSync(new URL('../../docs/service-tokens.md', import.meta.url), 'utf8');
const chapter = guide.slice(guide.indexOf('A sidecar does the same'));
const block = (language: string): string =>
  new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(chapter)?.[1] ?? '';

const SERVICE_CLAIMS = {
  sub: ORCHESTRATOR,
  azp: ORCHESTRATOR,
  user_id: ORCHESTRATOR,
  service: ORCHESTRATOR,
  type: 'service',
  is_service: true,
  role: 'admin',
  email: `${ORCHESTRATOR}@internal.service`,
} as const;

let gateway: Ingress;
before(async () => {
  gateway = await startIngress({ proxy: block('yaml'), files: { '/etc/authz/policies/gateway.rego': block('rego') } });
});
after(() => gateway[Symbol.asyncDispose]());

const FORGED = [
  'X-User-Type',
  'service',
  'x-service-name',
  'mallory',
  'X-Service-Tenants',
  't-9',
  'x-user-role',
  'root',
];

const ask = (claims: Readonly<Record<string, unknown>>) =>
  gateway.send({ headers: ['Authorization', `Bearer ${gateway.token(claims)}`, ...FORGED] });

async function seenBy(claims: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, readonly string[]>>> {
  const answer = await ask(claims);
  assert.equal(answer.status, 200, answer.raw);
  const { rawHeaders = [] } = gateway.app.seen.at(-1) ?? {};
  const names = ['type', 'id', 'email', 'role'].map((name) => `x-user-${name}`);
  return Object.fromEntries(
    [...names, 'x-service-name', 'x-service-tenants', 'x-service-operations'].map((name) => [
      name,
      valuesOf(rawHeaders, name),
    ]),
  );
}

describe('the sidecar refuses', () => {
  for (const [title, claims] of [
    ['a refresh token', { ...SERVICE_CLAIMS, type: 'refresh' }],
    ['a token without a type', { ...SERVICE_CLAIMS, type: undefined }],
    ['a token without user_id', { ...SERVICE_CLAIMS, user_id: undefined }],
    ['a token without email', { ...SERVICE_CLAIMS, email: undefined }],
    ['a limit to no tenant', { ...SERVICE_CLAIMS, tenants: [] }],
  ] as const) {
    test(title, async () => {
      await gateway.refused('policy_denied', () => ask(claims));
    });
  }

  test('a tenant whose name would be two in a list', async () => {
    await gateway.refused('token_claim_unsafe', () => ask({ ...SERVICE_CLAIMS, tenants: ['t-1,t-2'] }));
  });
});

test('S1-044 S1-045 S1-046 S1-048 what the service sees of another service is what the token says, and nothing that the client says', async () => {
  assert.deepEqual(await seenBy({ ...SERVICE_CLAIMS, tenants: ['t-1', 't-2'] }), {
    'x-user-type': ['service'],
    'x-user-id': [ORCHESTRATOR],
    'x-user-email': [`${ORCHESTRATOR}@internal.service`],
    'x-user-role': ['admin'],
    'x-service-name': [ORCHESTRATOR],
    'x-service-tenants': ['t-1,t-2'],
    'x-service-operations': [],
  });
});

test('S1-010 S1-048 a user stays a user', async () => {
  assert.deepEqual(await seenBy(USER_CLAIMS), {
    'x-user-type': ['access'],
    'x-user-id': ['mary'],
    'x-user-email': ['mary@bakery.example'],
    'x-user-role': ['admin'],
    'x-service-name': [],
    'x-service-tenants': [],
    'x-service-operations': [],
  });
});

test('S1-050 the token goes on to the service', async () => {
  const token = gateway.token(SERVICE_CLAIMS);
  assert.equal((await gateway.send({ headers: ['Authorization', `Bearer ${token}`] })).status, 200);
  assert.deepEqual(valuesOf(gateway.app.seen.at(-1)?.rawHeaders ?? [], 'authorization'), [`Bearer ${token}`]);
});
