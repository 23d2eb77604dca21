/** One policy in the language of each engine, and what all of them must say to the same requests. */
import assert from 'node:assert/strict';
import type { Ingress } from './ingress.ts';
import { until } from './until.ts';
import type { WireAnswer } from './wire.ts';

export const ROLES = `roles:
  customer:
    permissions:
      - { methods: [GET, POST], path: /orders }
      - { methods: [GET], path: /orders/* }
  support:
    permissions:
      - { methods: [GET], path: /orders/** }
  admin:
    permissions:
      - { path: /** }
`;

export const REGO = `package order

import rego.v1

default allow := false

allow if {
	is_array(input.token.realm_access.roles)
	some role in input.token.realm_access.roles
	permitted(role)
}

permitted("customer") if {
	input.request.path == "/orders"
	input.request.method in {"GET", "POST"}
}

permitted("customer") if {
	input.request.method == "GET"
	["", "orders", _] = split(input.request.path, "/")
}

permitted("support") if {
	input.request.method == "GET"
	input.request.path == "/orders"
}

permitted("support") if {
	input.request.method == "GET"
	startswith(input.request.path, "/orders/")
}

permitted("admin")
`;

export interface EngineRow {
  readonly title: string;
  readonly allowed: boolean;
  readonly method: string;
  readonly path: string;
  /** The claim `realm_access`. */
  readonly access: unknown;
}

const row = (title: string, allowed: boolean, request: string, access: unknown): EngineRow => {
  const [method = '', path = ''] = request.split(' ');
  return { title, allowed, method, path, access };
};
const roles = (...names: unknown[]) => ({ roles: names });

/** Refusals first. */
export const ENGINE_ROWS: readonly EngineRow[] = [
  row('a token without roles', false, 'GET /orders', undefined),
  row('an empty list of roles', false, 'GET /orders', roles()),
  row('a role that nobody knows', false, 'GET /orders', roles('stranger')),
  row('a role in another case', false, 'GET /orders', roles('Admin')),
  row('a role that is a text', false, 'GET /orders', { roles: 'admin' }),
  row('roles in a mapping', false, 'GET /orders', { roles: { a: 'admin' } }),
  row('roles that are no names', false, 'GET /orders', roles(1, null, ['admin'], { admin: true })),
  row('a role named like a member of every object', false, 'GET /orders', roles('__proto__', 'constructor')),
  row('several roles in one text', false, 'GET /orders', roles('customer,admin')),
  row('C-107 HEAD where GET is allowed', false, 'HEAD /orders', roles('customer')),
  row('another method', false, 'DELETE /orders', roles('customer')),
  row('a method that is allowed one level above', false, 'POST /orders/1', roles('customer')),
  row('C-100 a path that only begins alike', false, 'GET /orders-admin', roles('customer', 'support')),
  row('C-085 a path in another case', false, 'GET /Orders', roles('customer', 'support')),
  row('C-084 a trailing slash, one segment that is empty', false, 'GET /inventory/', roles('support')),
  row('two segments where one is allowed', false, 'GET /orders/1/items', roles('customer')),
  row('the exact path', true, 'GET /orders', roles('customer')),
  row('another listed method', true, 'POST /orders', roles('customer')),
  row('one segment', true, 'GET /orders/1', roles('customer')),
  row('the rest of a path', true, 'GET /orders/1/items', roles('support')),
  row('the path itself, where the rest may follow', true, 'GET /orders', roles('support')),
  row('one role of several', true, 'DELETE /orders/1', roles('stranger', 'admin')),
  row('a role beside what is none', true, 'GET /orders', roles(1, 'customer')),
];

export function askEngine(
  ingress: Ingress,
  { method, path, access }: Omit<EngineRow, 'title' | 'allowed'>,
): Promise<WireAnswer> {
  const headers = ['Authorization', `Bearer ${ingress.token({ realm_access: access })}`];
  return ingress.send({ method, target: path, headers });
}

/** Asserts that a row is answered as it says, over the wire and in the audit trail. */
export async function assertEngineRow(ingress: Ingress, row: EngineRow): Promise<void> {
  if (row.allowed) {
    assert.equal((await askEngine(ingress, row)).status, 200);
  } else if (row.method === 'HEAD') {
    // Its answer has no body that could tell the code.
    const before = ingress.sidecar.audit.length;
    assert.equal((await askEngine(ingress, row)).status, 403);
    await until(() => ingress.sidecar.audit.length > before);
    assert.equal(ingress.sidecar.audit.at(-1)?.['code'], 'policy_denied');
  } else {
    await ingress.refused('policy_denied', () => askEngine(ingress, row));
  }
}
