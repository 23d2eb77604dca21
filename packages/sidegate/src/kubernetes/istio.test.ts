/** Istio's rules let nobody through whom the routes of the sidecar stop; exact files are in cli/generate-manifests.test.ts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Access, Cluster, ServiceAccount } from './cluster.ts';
import { authorizationPolicies } from './istio.ts';

const account = (name: string): ServiceAccount => ({ namespace: 'production', name, trustDomain: 'cluster.local' });
const [checkout, reporting] = [account('checkout'), account('reporting')];

interface Rule {
  readonly from: readonly { readonly source: { readonly principals: readonly string[] } }[];
  readonly to: readonly { readonly operation: object }[];
}

function rulesFor(access: readonly Access[], callers: readonly ServiceAccount[] | 'anybody' = [checkout, reporting]) {
  const service = {
    name: 'orders',
    namespace: 'production',
    replicas: 1,
    config: '',
    port: 8443,
    variables: {},
    callers: callers === 'anybody' ? undefined : callers,
    access,
    app: undefined,
    volumes: new Map(),
    secrets: [],
    sidecarVariables: new Set<string>(),
  };
  const cluster: Cluster = {
    trustDomain: 'cluster.local',
    sidecar: { image: 'sidecar', user: 1000 },
    secretStore: undefined,
    services: [service],
  };
  const [policy] = authorizationPolicies(cluster, 'v1');
  return policy === undefined ? undefined : (policy['spec'] as { readonly rules: readonly Rule[] }).rules;
}

const who = ({ from }: Rule): readonly string[] =>
  from.flatMap(({ source }) => source.principals.map((principal) => principal.split('/').at(-1) ?? ''));
const what = ({ to }: Rule): readonly object[] => to.map(({ operation }) => operation);

test('a service that knows nobody by certificate gets no policy, rather than one that lets everybody in', () => {
  assert.equal(rulesFor([], 'anybody'), undefined);
});

test('a route that nobody may use is in no rule', () => {
  const rules = rulesFor([{ path: '/orders', methods: undefined, callers: [] }]);
  assert.deepEqual(rules, []);
});

test('a stricter route before a wider one is taken out of the wider one, since Istio takes any rule that matches', () => {
  const rules = rulesFor([
    { path: '/orders/export', methods: ['GET'], callers: [reporting] },
    { path: '/orders/**', methods: undefined, callers: [checkout, reporting] },
    { path: '/health', methods: undefined, callers: [checkout, reporting] },
  ]);
  assert.deepEqual(
    rules?.map((rule) => [who(rule), what(rule)]),
    [
      [['reporting'], [{ methods: ['GET'], paths: ['/orders/export'] }]],
      [
        ['checkout', 'reporting'],
        [{ paths: ['/orders', '/orders/*'], notPaths: ['/orders/export'] }, { paths: ['/health'] }],
      ],
    ],
  );
});

describe('paths as Istio writes them', () => {
  const ROWS: readonly (readonly [route: string, paths: readonly string[]])[] = [
    ['/orders', ['/orders']],
    ['/orders/**', ['/orders', '/orders/*']],
    ['/**', ['/*']],
    ['/orders/*', ['/orders/{*}']],
    ['/orders/*/lines', ['/orders/{*}/lines']],
    ['/orders/*/lines/**', ['/orders/{*}/lines', '/orders/{*}/lines/{**}']],
  ];
  for (const [path, paths] of ROWS) {
    test(path, () => {
      const [rule] = rulesFor([{ path, methods: undefined, callers: [checkout] }]) ?? [];
      assert.deepEqual(rule && what(rule), [{ paths }]);
    });
  }
});
