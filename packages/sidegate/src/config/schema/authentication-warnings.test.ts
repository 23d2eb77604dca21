/** One listener without authentication, or one call as nobody, is found wherever it is written. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { renderDiagnostic } from '../diagnostic.ts';
import { loadSidecarConfig } from '../load.ts';

function insecure(yaml: string): readonly string[] {
  const loaded = loadSidecarConfig(`service: { name: orders }\n${yaml}`, {
    file: 'sidecar.yaml',
    env: {},
    readFile: () => '',
  });
  const all = loaded.ok ? loaded.warnings : loaded.diagnostics;
  return all.filter(({ code, severity }) => code === 'insecure' || severity === 'error').map(renderDiagnostic);
}

const TLS = 'tls: { enabled: true, cert_file: a, key_file: b, client_ca_file: c, client_auth: require }';
const JWT = 'jwt: { issuer: "https://idp.example/realms/a", audience: orders }';
const CERTIFICATE = 'tls: { enabled: true, client_cert: a, client_key: b, ca_cert: c }';

describe('S4-008 S4-110 a configuration that authenticates nobody somewhere is told where', () => {
  const ROWS: readonly (readonly [title: string, yaml: string, expected: RegExp])[] = [
    [
      'a listener without tokens and without client certificates',
      'http: { addr: "127.0.0.1:1" }\nproxy:\n  enabled: true\n  auth: { enabled: false }',
      /^sidecar\.yaml:5:20: warning: proxy\.auth\.enabled: takes calls of anybody/,
    ],
    [
      'a route without tokens, where nobody shows a certificate',
      `http: { addr: "127.0.0.1:1" }\n${JWT}\nproxy:\n  enabled: true\n  routes:\n    - { path: /a, auth_required: false }`,
      /^sidecar\.yaml:7:34: warning: proxy\.routes\[0\]\.auth_required: takes calls of anybody/,
    ],
    [
      'a listener in clear text for other machines',
      `${JWT}\nhttp: { tls: { enabled: false } }\nproxy: { enabled: true }`,
      /^sidecar\.yaml:3:25: warning: http\.tls\.enabled: tokens arrive in clear text from other machines/,
    ],
    [
      'a target without a credential and without a certificate',
      'egress:\n  enabled: true\n  targets:\n    data: { url: "https://data.example", auth: { type: none } }',
      /^sidecar\.yaml:5:48: warning: egress\.targets\.data\.auth: is none, and no certificate is shown: it is called as nobody/,
    ],
    [
      'a target in clear text on another machine',
      'egress:\n  enabled: true\n  targets:\n    data: { url: "http://data.example", auth: { type: none } }',
      /^sidecar\.yaml:5:18: error: egress\.targets\.data\.url: is not an https origin/,
    ],
    [
      'a service on another machine that is called without a certificate',
      `http: { addr: "127.0.0.1:1" }\n${JWT}\nproxy: { enabled: true, upstream: { url: "https://orders.example" } }`,
      /^sidecar\.yaml:4:42: warning: proxy\.upstream\.url: is called without a certificate of ours/,
    ],
    [
      'a route to another machine that is called without a certificate',
      `http: { addr: "127.0.0.1:1" }\n${JWT}\nproxy: { enabled: true, routes: [{ path: /a, upstream: "https://orders.example" }] }`,
      /^sidecar\.yaml:4:56: warning: proxy\.routes\[0\]\.upstream: is called without a certificate of ours/,
    ],
    [
      'decisions for Envoy on another machine',
      `http: { ${TLS} }\n${JWT}\nproxy: { enabled: true }\nserver: { grpc: { enabled: true, addr: ":9090", remote_reason: "Envoy is in another pod" } }`,
      /^sidecar\.yaml:5:40: warning: server\.grpc\.addr: answers anybody, in clear text/,
    ],
    [
      'health and decisions for other machines',
      'admin: { addr: ":9901", remote_reason: "Prometheus scrapes it" }',
      /^sidecar\.yaml:2:\d+: warning: admin\.remote_reason: other machines reach health/,
    ],
  ];
  for (const [title, yaml, expected] of ROWS) {
    test(title, () => {
      const [finding, ...more] = insecure(yaml);
      assert.deepEqual(more, []);
      assert.match(finding ?? '', expected);
    });
  }
});

describe('what proves who calls is not found', () => {
  for (const [title, yaml] of [
    ['a listener for tokens on loopback', `http: { addr: "127.0.0.1:1" }\n${JWT}\nproxy: { enabled: true }`],
    ['a listener for client certificates', `http: { ${TLS} }\nproxy: { enabled: true, auth: { enabled: false } }`],
    [
      'a route for client certificates',
      `http: { ${TLS} }\n${JWT}\nproxy: { enabled: true, routes: [{ path: /a, auth_required: false }] }`,
    ],
    [
      'a target with a certificate',
      `egress: { enabled: true, targets: { data: { url: "https://data.example", ${CERTIFICATE} } } }`,
    ],
    [
      'a route to a target with a certificate',
      `http: { ${TLS} }\n${JWT}\nproxy: { enabled: true, routes: [{ path: /a, upstream: "https://data.example" }] }\negress: { enabled: true, targets: { data: { url: "https://data.example", ${CERTIFICATE} } } }`,
    ],
    ['a listener that is not served', 'proxy: { auth: { enabled: false } }'],
  ] as const) {
    test(title, () => assert.deepEqual(insecure(yaml), []));
  }
});
