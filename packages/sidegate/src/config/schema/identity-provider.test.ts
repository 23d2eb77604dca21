import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderDiagnostic } from '../diagnostic.ts';
import { loadIdentityProviderConfig } from '../load.ts';

const load = (text: string) => loadIdentityProviderConfig(text, { file: 'idp.yaml', env: {}, readFile: String });

for (const [title, text, expected] of [
  [
    'https without a certificate',
    'base_url: "https://idp.example"\nrealms: [r.json]',
    ['idp.yaml:1:1: error: tls: is required (base_url is https)'],
  ],
  [
    'http to other machines',
    'base_url: "http://idp.example"\nrealms: [r.json]',
    [
      'idp.yaml:1:11: error: base_url: is not an https origin: scheme, host and port, no path (for example https://order-service.zone2.local:8443, http://127.0.0.1:3000 (http only to a loopback address))',
    ],
  ],
  ['no realm', 'base_url: "http://127.0.0.1:1"\nrealms: []', ['idp.yaml:2:9: error: realms: must not be empty']],
  [
    'a symmetric algorithm',
    'base_url: "http://127.0.0.1:1"\nrealms: [r.json]\nsigning: {algorithms: [HS256]}',
    ['idp.yaml:3:24: error: signing.algorithms[0]: must be RS256 or ES256'],
  ],
  [
    'a trust domain without bundle',
    'base_url: "http://127.0.0.1:1"\nrealms: [r.json]\ntrust_domains: [{trust_domain: example.org}]',
    ['idp.yaml:3:17: error: trust_domains[0].bundle_file: is required (or set bundle_url)'],
  ],
  [
    'a secret of nonces in the file',
    'base_url: "http://127.0.0.1:1"\nrealms: [r.json]\ndpop: {nonce_secret: canary}',
    [
      'idp.yaml:3:22: error: dpop.nonce_secret: is a secret written in the file (write ${VARIABLE}, or name a file in nonce_secret_file)',
    ],
  ],
  [
    'half a key pair',
    'base_url: "https://a"\nrealms: [r.json]\ntls: {cert_file: /c}',
    ['idp.yaml:3:1: error: tls.key_file: is required (for example /etc/certs/ca/zone1-ca.crt)'],
  ],
] as const) {
  test(`an identity provider with ${title} is refused`, () => {
    const loaded = load(text);
    assert.ok(!loaded.ok);
    assert.deepEqual(loaded.diagnostics.map(renderDiagnostic), expected);
  });
}

test('an identity provider signs with RS256 and has ES256 beside it, for five minutes', () => {
  const loaded = load('base_url: "http://127.0.0.1:9000/"\nrealms: [r.json]');
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.config, {
    addr: { host: '127.0.0.1', port: 8443 },
    base_url: 'http://127.0.0.1:9000',
    realms: ['r.json'],
    token_lifetime: 300_000,
    trust_domains: [],
    dpop: { require_nonce: false },
    administrators: { clients: [], spiffe_ids: [] },
    signing: { algorithms: ['RS256', 'ES256'] },
  });
});
