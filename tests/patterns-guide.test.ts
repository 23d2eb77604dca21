/** The guide that helps to choose: what it says of each pattern, and that the manifests it names do what it says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import * as client from '@sidegate/sdk/client';
import * as server from '@sidegate/sdk/server';
import * as serviceTokens from '@sidegate/sdk/service-tokens';
import { readYaml } from '../packages/sidegate/src/config/yaml-source.ts';

const ROOT = path.join(import.meta.dirname, '..');
const read = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');
const guide = read('docs/patterns.md').replaceAll(/\s+/g, ' ');

/** The cells of the rows of each table, by the first one. */
const rows = [...read('docs/patterns.md').matchAll(/^\| (.+) \|$/gm)].map(([, cells = '']) => cells.split(' | '));
const rowOf = (pattern: string): readonly string[] => rows.find(([name]) => name === pattern) ?? [];

const CHOICE: readonly (readonly [
  id: string,
  pattern: string,
  mechanism: RegExp,
  best: RegExp,
  pros: RegExp,
  cons: RegExp,
])[] = [
  [
    'S2-03',
    'Mutual TLS',
    /client and server certificates/,
    /internal networks/,
    /transparent, no application code/,
    /complex PKI/,
  ],
  ['S2-04', 'JWT with private key', /signs a JWT/, /microservices/, /self-contained, verifiable/, /revocation is hard/],
  [
    'S2-05',
    'Shared secret (API key, HMAC)',
    /secret that both sides know/,
    /simple microservices/,
    /easy setup/,
    /key rotation is complex/,
  ],
  [
    'S2-06',
    'OAuth2 client credentials',
    /authorization server issues tokens/,
    /distributed systems/,
    /central authentication, easy revocation/,
    /extra network call/,
  ],
];
for (const [id, pattern, ...expected] of CHOICE) {
  test(`${id} the guide says of ${pattern} how it works, what it is best for, and what speaks for and against it`, () => {
    const [, ...cells] = rowOf(pattern);
    assert.equal(cells.length, expected.length);
    for (const [index, words] of expected.entries()) assert.match(cells[index] ?? '', words);
  });
}

const SAID: readonly (readonly [id: string, what: string, words: readonly RegExp[]])[] = [
  [
    'S2-57',
    'asymmetric JWTs beside secrets, and HMAC beside certificates',
    [
      /asymmetric signatures scale better than shared secrets and are easier to audit/,
      /HMAC is simpler in a private network, but more brittle than certificates/,
    ],
  ],
  [
    'S2-58',
    'mutual TLS or JWT',
    [
      /Mutual TLS where the infrastructure supports it: Kubernetes, a service mesh/,
      /JWT where the proof shall be explicit in the code and in the audit trail/,
      /Both run together/,
    ],
  ],
  [
    'S2-59',
    'a rotation with an overlap of a week',
    [/issued one week before the old one expires, both are accepted while both are valid, then the old one is retired/],
  ],
  [
    'S2-61',
    'a service that was broken into',
    [/lets it in as service-a and as nobody else, and service-c does not, unless service-a is on its list/],
  ],
  ['S2-62', 'users and services', [/different principals/, /unless the route says that both may/]],
];
for (const [id, what, words] of SAID) {
  test(`${id} the guide answers: ${what}`, () => {
    for (const expected of words) assert.match(guide, expected);
  });
}

test('each function that the guide names for callers and services is there', () => {
  const exported = new Set([...Object.keys(client), ...Object.keys(server), ...Object.keys(serviceTokens)]);
  const table = rows.filter(([, , third, fourth]) => fourth === undefined && third !== undefined);
  const named = table.flatMap((cells) =>
    [...cells.join(' ').matchAll(/`([a-z][A-Za-z]+)(?:\(…\)\.clientCredentials)?`/g)].map(([, name = '']) => name),
  );
  assert.ok(named.length > 10);
  assert.deepEqual(
    named.filter((name) => !exported.has(name)),
    [],
  );
});

interface Manifest {
  readonly kind: string;
  readonly spec: Readonly<Record<string, unknown>>;
}
const manifests = (name: string): readonly Manifest[] =>
  read(`deploy/kubernetes/${name}`)
    .split(/^---$/m)
    .map((text) => {
      const { value, diagnostics } = readYaml(text, name);
      assert.deepEqual(diagnostics, []);
      return value as Manifest;
    });

test('S2-60 cert-manager renews 7 days before expiry, with another key, for both sides of mutual TLS', () => {
  const certificate = manifests('certificate.yaml').find(({ kind }) => kind === 'Certificate');
  assert.ok(certificate);
  const { renewBefore, duration, privateKey, usages } = certificate.spec;
  assert.equal(Number.parseInt(String(renewBefore), 10) / 24, 7);
  assert.ok(Number.parseInt(String(duration), 10) > Number.parseInt(String(renewBefore), 10) * 2);
  assert.equal((privateKey as { rotationPolicy: string }).rotationPolicy, 'Always');
  assert.deepEqual(usages, ['digital signature', 'server auth', 'client auth']);
});

test('S2-61 the network policy lets one caller reach service-b, and service-b reach nobody but the names', () => {
  const [policy] = manifests('network-policy.yaml');
  assert.equal(policy?.kind, 'NetworkPolicy');
  assert.deepEqual(policy.spec['policyTypes'], ['Ingress', 'Egress']);
  const [ingress, ...more] = policy.spec['ingress'] as { from: readonly unknown[] }[];
  assert.deepEqual(more, []);
  assert.deepEqual(ingress?.from, [{ podSelector: { matchLabels: { app: 'service-a' } } }]);
});
