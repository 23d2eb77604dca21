import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSidecarConfig } from '../load.ts';

const load = (yaml: string) =>
  loadSidecarConfig(`service: {name: test}\n${yaml}`, {
    file: 'a.yaml',
    env: {},
    readFile: String,
    resolvePath: (name) => name,
  });

const DRAFT = 'draft: draft-ietf-oauth-transaction-tokens-10';

for (const [title, yaml, expected] of [
  [
    'a trust domain with a scheme',
    'jwt: {trust_domains: [{trust_domain: "spiffe://example.org", audience: a, bundle_file: /b}]}',
    'jwt.trust_domains[0].trust_domain: is not the name of a trust domain',
  ],
  [
    'a trust domain in capitals',
    'jwt: {trust_domains: [{trust_domain: Example.org, audience: a, bundle_file: /b}]}',
    'jwt.trust_domains[0].trust_domain: is not the name of a trust domain',
  ],
  [
    'a trust domain without keys',
    'jwt: {trust_domains: [{trust_domain: example.org, audience: a}]}',
    'jwt.trust_domains[0].bundle_file: is required',
  ],
  [
    'a trust domain with two places of its keys',
    'jwt: {trust_domains: [{trust_domain: example.org, audience: a, bundle_file: /b, bundle_url: "https://b.example"}]}',
    'jwt.trust_domains[0].bundle_url: is a second place of the bundle',
  ],
  [
    'a trust domain whose keys the Workload API has, and a file',
    'workload_api: {socket: "unix:///a"}\njwt: {trust_domains: [{trust_domain: example.org, audience: a, source: workload_api, bundle_file: /b}]}',
    'jwt.trust_domains[0].bundle_file: is not used',
  ],
  [
    'a trust domain whose keys the Workload API has, without one',
    'jwt: {trust_domains: [{trust_domain: example.org, audience: a, source: workload_api}]}',
    'jwt.trust_domains[0].source: needs workload_api',
  ],
  [
    'a bundle in clear text',
    'jwt: {trust_domains: [{trust_domain: example.org, audience: a, bundle_url: "http://b.example"}]}',
    'jwt.trust_domains[0].bundle_url: is not an https URL',
  ],
  [
    'a trust domain for nobody',
    'jwt: {trust_domains: [{trust_domain: example.org, bundle_file: /b}]}',
    'jwt.trust_domains[0].audience: is required',
  ],
  [
    'a trust domain twice',
    'jwt: {trust_domains: [{trust_domain: a.example, audience: a, bundle_file: /b}, {trust_domain: a.example, audience: b, bundle_file: /c}]}',
    'jwt.trust_domains[1].trust_domain: is configured twice',
  ],
  [
    'transaction tokens of no version',
    'jwt: {transaction_tokens: {trust_domain: a.example, jwks_url: "https://k.example"}}',
    'jwt.transaction_tokens.draft: is required',
  ],
  [
    'transaction tokens of an older version',
    'jwt: {transaction_tokens: {draft: draft-ietf-oauth-transaction-tokens-03, trust_domain: a.example, jwks_url: "https://k.example"}}',
    'jwt.transaction_tokens.draft: must be draft-ietf-oauth-transaction-tokens-10',
  ],
  [
    'transaction tokens without keys',
    `jwt: {transaction_tokens: {${DRAFT}, trust_domain: a.example}}`,
    'jwt.transaction_tokens.jwks_url: is required',
  ],
  [
    'transaction tokens sent on unread',
    'egress: {targets: {data: {url: "https://d.example", forward_transaction_token: true}}}',
    'egress.targets.data.forward_transaction_token: needs to verify them',
  ],
] as const) {
  test(`${title}: refused`, () => {
    const loaded = load(yaml);
    assert.ok(!loaded.ok);
    assert.deepEqual(
      loaded.diagnostics.map(({ path, message }) => `${path}: ${message}`),
      [expected],
    );
  });
}

test('a trust domain alone is enough for an ingress, and names it', () => {
  const loaded = load(
    'jwt: {trust_domains: [{trust_domain: example.org, audience: orders, bundle_file: /b}]}\nproxy: {enabled: true}',
  );
  assert.ok(loaded.ok, JSON.stringify(loaded));
  assert.deepEqual(loaded.config.jwt.trust_domains[0]?.audience, ['orders']);
});

test('transaction tokens live for five minutes at most unless the file says otherwise', () => {
  const loaded = load(`jwt: {transaction_tokens: {${DRAFT}, trust_domain: a.example, issuer: "https://i.example"}}`);
  assert.ok(loaded.ok, JSON.stringify(loaded));
  assert.equal(loaded.config.jwt.transaction_tokens?.max_lifetime, 300_000);
});
