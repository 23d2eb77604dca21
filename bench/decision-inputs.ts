/** What the policies of the example are asked in the decision scenario: one allowed request each. */
import path from 'node:path';

export const POLICIES: string = path.join(import.meta.dirname, '../examples/three-zones/policies');

export interface DecisionCase {
  readonly name: string;
  /** `data.<package>.<rule>`. */
  readonly query: string;
  readonly input: object;
}

export function decisionCases(nowSeconds: number): readonly DecisionCase[] {
  const user = {
    sub: 'user-123',
    azp: 'web-app',
    exp: nowSeconds + 3_600,
    realm_access: { roles: ['customer', 'orders:create', 'payments:create'] },
  };
  const service = { sub: 'service-account-order-service', azp: 'order-service', exp: nowSeconds + 3_600 };
  const mtls = (name: string) => ({ verified: true, subject: { CN: name, O: 'MyOrg' } });
  const request = (method: string, target: string) => ({ method, path: target, query: '', host: 'localhost' });
  const headers = { 'X-User-Context': 'user-123', 'X-Correlation-ID': 'req-abc-123' };
  return [
    {
      name: 'gateway allow',
      query: 'data.gateway.allow',
      input: {
        mtls: { verified: false, subject: {} },
        token: user,
        request: request('POST', '/api/v1/orders'),
        headers: {},
      },
    },
    {
      name: 'order allow',
      query: 'data.order.allow',
      input: { mtls: mtls('api-gateway-client'), token: user, request: request('POST', '/orders'), headers },
    },
    {
      name: 'payment allow',
      query: 'data.payment.allow',
      input: { mtls: mtls('api-gateway-client'), token: user, request: request('POST', '/payments'), headers },
    },
    {
      name: 'dataservice result',
      query: 'data.dataservice.result',
      input: { mtls: mtls('order-service-client'), token: service, request: request('POST', '/orders'), headers },
    },
  ];
}

/** A policy of many rules of which every four share a path and differ in the method. */
export function methodPolicy(rules: number): string {
  const methods = ['GET', 'PUT', 'POST', 'DELETE'];
  const bodies = Array.from(
    { length: rules },
    (_, index) => `allow if {\n\tinput.method == "${methods[index % 4]}"\n\tinput.path == "/route-${index >> 2}"\n}\n`,
  );
  return `package routes\n\nimport rego.v1\n\ndefault allow := false\n\n${bodies.join('\n')}`;
}

/** A policy that finds the caller in a table of its data. */
export const TABLE_POLICY = `package routes

import rego.v1

default allow := false

allow if data.users[input.user].roles[_] == "admin"
`;

/** A policy of many rules that each want another path, as a route table written in Rego. */
export function routePolicy(rules: number): string {
  const bodies = Array.from(
    { length: rules },
    (_, index) => `allow if {\n\tinput.path == "/route-${index}"\n\tinput.method == "GET"\n}\n`,
  );
  return `package routes\n\nimport rego.v1\n\ndefault allow := false\n\n${bodies.join('\n')}`;
}
