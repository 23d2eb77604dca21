/** Manifests that let calls through without a certificate, and where they say so. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkManifests } from './check-manifests.ts';
import { renderDiagnostic } from './diagnostic.ts';

const NOW = Date.parse('2026-12-01T00:00:00Z');

function found(text: string): readonly string[] {
  const checked = checkManifests(text, 'mesh.yaml', NOW);
  return (checked.ok ? checked.warnings : checked.diagnostics).map(renderDiagnostic);
}

const istio = (kind: string, spec: string, more = ''): string => `apiVersion: security.istio.io/v1
kind: ${kind}
metadata:
  name: default
  namespace: production${more}
spec:
  ${spec}
`;
const migration = (until: string): string => `\n  annotations:\n    sidegate.dev/migration-until: ${until}`;
const STRICT = 'set it to STRICT; during a migration, annotate the object (docs/meshes.md)';

describe('S4-031 S4-110 a mesh that is not STRICT is an error, with its place', () => {
  const ROWS: readonly (readonly [title: string, text: string, expected: string])[] = [
    [
      'PERMISSIVE',
      istio('PeerAuthentication', 'mtls: { mode: PERMISSIVE }'),
      `mesh.yaml:7:17: error: spec.mtls.mode: is PERMISSIVE: takes calls without a certificate (${STRICT})`,
    ],
    [
      'DISABLE',
      istio('PeerAuthentication', 'mtls: { mode: DISABLE }'),
      `mesh.yaml:7:17: error: spec.mtls.mode: is DISABLE: takes calls without a certificate (${STRICT})`,
    ],
    [
      'of one port',
      istio('PeerAuthentication', 'mtls: { mode: STRICT }\n  portLevelMtls: { 8080: { mode: DISABLE } }').replace(
        '8080',
        '"8080"',
      ),
      `mesh.yaml:8:36: error: spec.portLevelMtls.8080.mode: is DISABLE: takes calls without a certificate (${STRICT})`,
    ],
    [
      'without a mode',
      istio('PeerAuthentication', 'selector: { matchLabels: { app: a } }'),
      `mesh.yaml:6:1: error: spec.mtls.mode: is not set: what stands above decides, and that is PERMISSIVE by default (${STRICT})`,
    ],
    [
      'behind other objects of the file, and within a list',
      `---\n# nothing\n---\n${istio('PeerAuthentication', 'mtls: { mode: STRICT }')}---\nkind: List\nitems:\n  - ${istio('PeerAuthentication', 'mtls: { mode: DISABLE }').trimEnd().replaceAll('\n', '\n    ')}\n`,
      `mesh.yaml:20:21: error: items[0].spec.mtls.mode: is DISABLE: takes calls without a certificate (${STRICT})`,
    ],
    [
      'calls in clear text',
      'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nspec:\n  host: orders\n  trafficPolicy: { tls: { mode: DISABLE } }\n',
      'mesh.yaml:5:33: error: spec.trafficPolicy.tls.mode: calls in clear text (set it to ISTIO_MUTUAL)',
    ],
    [
      'calls without a certificate of its own',
      'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nspec:\n  host: orders.production.svc.cluster.local\n  subsets:\n    - trafficPolicy: { portLevelSettings: [{ tls: { mode: SIMPLE } }] }\n',
      'mesh.yaml:6:59: error: spec.subsets[0].trafficPolicy.portLevelSettings[0].tls.mode: calls without a certificate of its own (set it to ISTIO_MUTUAL)',
    ],
    [
      "Linkerd's default for a namespace",
      'apiVersion: v1\nkind: Namespace\nmetadata:\n  annotations:\n    config.linkerd.io/default-inbound-policy: all-unauthenticated\n',
      'mesh.yaml:5:47: error: metadata.annotations."config.linkerd.io/default-inbound-policy": takes calls without a certificate (set it to all-authenticated, cluster-authenticated or deny)',
    ],
  ];
  for (const [title, text, expected] of ROWS) test(title, () => assert.deepEqual(found(text), [expected]));
});

describe('S4-031 PERMISSIVE is for a migration that is declared, and ends', () => {
  const permissive = (until: string) => istio('PeerAuthentication', 'mtls: { mode: PERMISSIVE }', migration(until));
  test('until its day it is a warning', () => {
    const [warning, ...more] = found(permissive('"2026-12-31"'));
    assert.deepEqual(more, []);
    assert.match(warning ?? '', /^mesh\.yaml:9:17: warning: spec\.mtls\.mode: is PERMISSIVE/);
    assert.equal(checkManifests(permissive('"2026-12-31"'), 'mesh.yaml', NOW).ok, true);
  });
  for (const [title, until] of [
    ['a day that is over', '"2026-11-30"'],
    ['a day that is far away', '"2027-12-31"'],
    ['no day', 'soon'],
    ['a list', '["2026-12-31"]'],
  ] as const) {
    test(`with ${title} it is an error`, () => {
      const errors = found(permissive(until));
      assert.equal(errors.length, 2);
      for (const error of errors) assert.match(error, /^mesh\.yaml:\d+:\d+: error: /);
    });
  }
});

describe('S4-008 callers without an identity are found', () => {
  const ROWS: readonly (readonly [title: string, text: string, expected: RegExp])[] = [
    [
      'a rule for everybody',
      istio('AuthorizationPolicy', 'rules: [{}]'),
      /:7:11: error: spec\.rules\[0\]: lets anybody in/,
    ],
    [
      'a rule by address',
      istio('AuthorizationPolicy', 'rules: [{ from: [{ source: { ipBlocks: [10.0.0.0/8] } }] }]'),
      /spec\.rules\[0\]\.from\[0\]\.source: lets in whoever has no identity/,
    ],
    [
      'a listener of a gateway in clear text',
      'apiVersion: networking.istio.io/v1\nkind: Gateway\nspec: { servers: [{ port: { protocol: HTTP } }] }\n',
      /servers\[0\]\.port\.protocol: listens in clear text/,
    ],
    [
      'a listener of the Gateway API in clear text',
      'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nspec: { listeners: [{ protocol: HTTP }] }\n',
      /listeners\[0\]\.protocol: listens in clear text/,
    ],
    [
      'an Ingress without TLS',
      'apiVersion: networking.k8s.io/v1\nkind: Ingress\nspec: { rules: [] }\n',
      /spec\.tls: is absent: listens in clear text/,
    ],
    [
      "Linkerd's Server for anybody",
      'apiVersion: policy.linkerd.io/v1beta3\nkind: Server\nspec: { accessPolicy: all-unauthenticated }\n',
      /accessPolicy: takes calls without a certificate/,
    ],
    [
      "Linkerd's policy by network",
      'apiVersion: policy.linkerd.io/v1alpha1\nkind: AuthorizationPolicy\nspec: { requiredAuthenticationRefs: [{ kind: NetworkAuthentication }] }\n',
      /requiredAuthenticationRefs: lets in whoever has no identity/,
    ],
  ];
  for (const [title, text, expected] of ROWS) {
    test(title, () => {
      const [finding, ...more] = found(text);
      assert.deepEqual(more, []);
      assert.match(finding ?? '', expected);
    });
  }
});

describe('what is right is not found', () => {
  const ROWS: readonly (readonly [title: string, text: string])[] = [
    ['STRICT', istio('PeerAuthentication', 'mtls: { mode: STRICT }\n  portLevelMtls: { "8080": { mode: UNSET } }')],
    ['callers by principal', istio('AuthorizationPolicy', 'rules: [{ from: [{ source: { principals: [a] } }] }]')],
    ['nobody', istio('AuthorizationPolicy', 'rules: []')],
    ['a denial for everybody', istio('AuthorizationPolicy', 'action: DENY\n  rules: [{}]')],
    [
      'TLS to a service outside',
      'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nspec: { host: api.example.com, trafficPolicy: { tls: { mode: SIMPLE } } }\n',
    ],
    [
      'a listener that only redirects',
      'apiVersion: networking.istio.io/v1\nkind: Gateway\nspec: { servers: [{ port: { protocol: HTTP }, tls: { httpsRedirect: true } }] }\n',
    ],
    ['an object of another kind', 'apiVersion: v1\nkind: ConfigMap\ndata: { mode: PERMISSIVE }\n'],
    ['an empty file', '# nothing\n---\n'],
  ];
  for (const [title, text] of ROWS) test(title, () => assert.deepEqual(found(text), []));
});

test('what is no YAML is found, not skipped', () => {
  assert.match(
    found(`a: {\n---\n${istio('PeerAuthentication', 'mtls: { mode: STRICT }')}`)[0] ?? '',
    /^mesh\.yaml:\d+:\d+: error: /,
  );
});

test('no text makes the check throw', () => {
  for (const text of [
    '[]',
    'null',
    '- 1',
    'kind: List\nitems: 7',
    'kind: [PeerAuthentication]',
    'spec: []\nkind: Ingress',
    '---\n---',
  ])
    assert.equal(Array.isArray(found(text)), true);
});
