/** For arbitrary targets, methods and headers: what the policy saw is what the app got, or the app got nothing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import '../support/property-seed.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';

/** Lets everything pass and puts the input into the record. */
const ECHO = `package order

import rego.v1

result := {"allow": true, "reasons": ["echo"], "audit": input}
`;

const PREFIX = '/api/v1';
const IDENTITY = ['x-user-id', 'x-user-context', 'x-user-roles', 'x-forwarded-client-cert'];

let ingress: Ingress;
before(async () => {
  ingress = await startIngress({
    files: { '/etc/authz/policies/order.rego': ECHO },
    proxy: `  authz: { policy_query: data.order.result }
  routes:
    - { path: ${PREFIX}/**, strip_prefix: ${PREFIX} }
    - { path: /** }
  headers: { inject_user_id: X-User-ID, extract: [X-Tenant, X-Other] }`,
  });
});
after(() => ingress[Symbol.asyncDispose]());

const piece = fc.oneof(
  fc.constantFrom(
    '/',
    '//',
    '/.',
    '/..',
    '%2f',
    '%2e',
    '%2E%2e',
    '%00',
    '%25',
    '%',
    ';',
    ';x=1',
    '?',
    '#',
    '\\',
    '*',
    '@',
    ':',
  ),
  fc.constantFrom('api', 'v1', 'orders', 'admin', 'http://evil/', '127.0.0.1', 'ä', '%c3%a4', '+', '~', ' ', '\t'),
  fc.string({ minLength: 1, maxLength: 3 }),
);
const anyTarget = fc
  .tuple(fc.constantFrom('/', PREFIX, '', '/x'), fc.array(piece, { maxLength: 6 }))
  .map(([start, pieces]) => (start + pieces.join('')).replaceAll(/[\r\n]/g, ''));
/** So that some messages get as far as the app. */
const plainTarget = fc.constantFrom(
  '/',
  '/x/y',
  `${PREFIX}/orders?page=2`,
  `${PREFIX}/a%20b`,
  `/orders?next=${PREFIX}`,
);
const target = fc.oneof({ weight: 2, arbitrary: anyTarget }, { weight: 1, arbitrary: plainTarget });
const value = fc
  .oneof(fc.string({ maxLength: 12 }), fc.constantFrom('a, b', '"q"', ' padded ', '', 'user-999', 'X-Tenant'))
  .map((text) => text.replaceAll(/[\r\n\0]/g, ''));
const header = fc
  .tuple(
    fc.constantFrom(
      'X-Tenant',
      'x-tenant',
      'X-Other',
      'X-User-ID',
      'X_User_ID',
      'x-user-context',
      'Connection',
      'X-Forwarded-Client-Cert',
      'X-Plain',
    ),
    value,
  )
  // Nobody waits for the end of a connection that stays.
  .map(([name, text]) => [name, name === 'Connection' ? `close, ${text}` : text]);
const method = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PATCH') },
  { weight: 1, arbitrary: fc.constantFrom('get', 'TRACE', 'CONNECT', 'PRI') },
);

interface Input {
  readonly request: { readonly method: string; readonly upstream_path: string; readonly query: string };
  readonly headers: Readonly<Record<string, string | string[] | null>>;
}

test('C-094 C-109 C-110 random messages reach the app as the policy saw them, with our identity headers, or not at all', async () => {
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(method, target, fc.array(header, { maxLength: 4 }), async (verb, path, headers) => {
      const { app, sidecar } = ingress;
      const [seen, records] = [app.seen.length, sidecar.audit.length];
      const answer = await ingress.send({ method: verb, target: path, headers: headers.flat() });
      assert.equal(sidecar.audit.length, records + 1, 'one record for every message');
      const record = sidecar.audit.at(-1) ?? {};
      if (app.seen.length === seen) {
        assert.notEqual(answer.status, 200);
        assert.equal(record['decision'], 'deny', answer.raw);
        return;
      }
      passed += 1;
      const got = app.seen.at(-1);
      assert.ok(got !== undefined);
      const { request, headers: decided } = record['policy_audit'] as Input;
      const query = request.query === '' ? '' : `?${request.query}`;
      assert.equal(`${request.method} ${request.upstream_path}${query}`, `${got.method} ${got.url}`);
      const received = fieldsOf(got.rawHeaders);
      for (const name of ['X-Tenant', 'X-Other']) {
        assert.deepEqual(received.get(name.toLowerCase()) ?? [], [decided[name] ?? []].flat());
      }
      for (const name of IDENTITY) {
        const values = received.get(name) ?? [];
        assert.ok(
          values.every((text) => text === 'user-123'),
          `${name}: ${values.join()}`,
        );
      }
      assert.deepEqual(received.get('x-user-id'), ['user-123']);
    }),
    { numRuns: 400 },
  );
  assert.ok(passed > 40, `${passed} passed`);
});

function fieldsOf(raw: readonly string[]): ReadonlyMap<string, string[]> {
  const fields = new Map<string, string[]>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase();
    fields.set(name, [...(fields.get(name) ?? []), raw[i + 1] ?? '']);
  }
  return fields;
}
