import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSidecarConfig } from '../load.ts';

const ISSUER = 'https://idp.example.com/realms/services';
const TLS = 'tls: {enabled: true, client_cert: a.crt, client_key: a.key}';
const source = (issuer: string, url = `${ISSUER}/events`, tls = TLS): string =>
  `{issuer: "${issuer}", events_url: "${url}", ${tls}}`;

const load = (revocation: string) =>
  loadSidecarConfig(`service: {name: test}\njwt: {issuer: "${ISSUER}", audience: test}\nrevocation: {${revocation}}`, {
    file: 'a.yaml',
    env: {},
    readFile: String,
  });

for (const [title, revocation, expected] of [
  [
    'an issuer whose tokens are not accepted',
    `sources: [${source(`${ISSUER}/`)}]`,
    'sources[0].issuer: is no issuer of jwt',
  ],
  [
    'an issuer that is followed twice',
    `sources: [${source(ISSUER)}, ${source(ISSUER)}]`,
    'sources[1].issuer: is followed twice',
  ],
  [
    'a stream without TLS',
    `sources: [${source(ISSUER, 'http://127.0.0.1:8443/events')}]`,
    'sources[0].events_url: is not https',
  ],
  [
    'no client certificate',
    `sources: [${source(ISSUER, undefined, 'tls: {enabled: true}')}]`,
    'sources[0].tls: has no client certificate',
  ],
  [
    'a client certificate that is not used',
    `sources: [${source(ISSUER, undefined, TLS.replace('true', 'false'))}]`,
    'sources[0].tls: has no client certificate',
  ],
  ['another word for the gap', 'on_unavailable: allow', 'on_unavailable: must be refuse or serve'],
] as const) {
  test(`revocations from ${title} are refused`, () => {
    const loaded = load(revocation);
    assert.ok(!loaded.ok);
    assert.deepEqual(
      loaded.diagnostics.map(({ path, message }) => `${path}: ${message}`),
      [`revocation.${expected}`],
    );
  });
}

test('revocations fail closed unless the configuration says otherwise', () => {
  const loaded = load(`sources: [${source(ISSUER)}]`);
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const { on_unavailable: onUnavailable, max_gap: maxGap, max_entries: maxEntries } = loaded.config.revocation;
  assert.deepEqual([onUnavailable, maxGap, maxEntries], ['refuse', 30_000, 1_000_000]);
});
