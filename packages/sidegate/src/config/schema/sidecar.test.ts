import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSidecarConfig } from '../load.ts';
import type { SidecarConfig } from './sidecar.ts';

function load(text: string): SidecarConfig {
  const readFile = (path: string): string => `unused ${path}`;
  const loaded = loadSidecarConfig(text, { file: 'f', env: { S: 's' }, readFile });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.config;
}

const RETRY = { enabled: false, attempts: 3, delay: 100, conditions: ['5xx', 'reset', 'connect_failure'] };

const COLLECTOR = {
  enabled: false,
  endpoint: 'http://127.0.0.1:4318',
  timeout: 10_000,
  tls: { enabled: false, source: 'files' },
};

test('a key that is absent has the documented default', () => {
  const { service, ...config } = load('service: {name: test}');
  assert.deepEqual(service, { name: 'test' });
  assert.deepEqual(config, {
    http: {
      addr: { host: undefined, port: 8443 },
      read_timeout: 10_000,
      write_timeout: 60_000,
      idle_timeout: 120_000,
      max_header_bytes: 65_536,
      tls: { enabled: false, source: 'files', client_auth: 'none', client_trust_domains: [] },
    },
    jwt: {
      issuers: [],
      trust_domains: [],
      transaction_tokens: undefined,
      validation: { clock_skew: 5000, require_expiration: true, single_audience: false, max_lifetime: 3_600_000 },
    },
    proxy: {
      enabled: false,
      mode: 'reverse_proxy',
      decision: { request_from: 'request_line' },
      upstream: {
        url: 'http://127.0.0.1:3000',
        timeout: 30_000,
        max_idle_conns: 100,
        idle_conn_timeout: 90_000,
        tls: { enabled: false, source: 'files' },
      },
      auth: {
        enabled: true,
        header: 'Authorization',
        scheme: 'Bearer',
        dpop: {
          enabled: false,
          origins: [],
          max_age: 60_000,
          require_nonce: false,
          replay_store: { type: 'memory', max_entries: 1_000_000 },
        },
      },
      authz: { enabled: true, policy_query: 'data.authz.allow', on_deny: 'reject' },
      mtls: { enabled: false, allowed_clients: [] },
      headers: { inject_claims: {}, extract: [], remove: [], add: {}, pass_token: false, preserve_host: false },
      public_paths: [],
      cors: {
        enabled: false,
        allowed_origins: [],
        allowed_methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
        allowed_headers: ['Authorization', 'Content-Type'],
        exposed_headers: [],
        allow_credentials: false,
        max_age: 600_000,
      },
      rate_limit: { enabled: false, requests_per_second: 100, by: 'ip' },
      retry: RETRY,
      routes: [
        {
          path: '/**',
          auth_required: true,
          authz_required: true,
          required_scopes: [],
          websocket: false,
          upstream: 'http://127.0.0.1:3000',
          timeout: 30_000,
          target: undefined,
        },
      ],
    },
    identities: {},
    revocation: { sources: [], on_unavailable: 'refuse', max_gap: 30_000, max_entries: 1_000_000 },
    egress: {
      enabled: false,
      addr: { host: '127.0.0.1', port: 8080 },
      token_store: { type: 'memory' },
      defaults: { timeout: 30_000, retry: RETRY },
      targets: {},
      routes: [],
    },
    policy: {
      engine: 'opa_embedded',
      path: '/etc/authz/policies',
      hot_reload: true,
      print_enabled: false,
      default_decision: 'deny',
    },
    cache: { l1: { enabled: false, max_size: 10_000, ttl: 10_000 } },
    audit: {
      enabled: true,
      mode: 'required',
      events: ['request'],
      enrichment: { include_headers: [], mask_fields: [] },
      export: { stdout: { enabled: true, format: 'json' }, otlp: COLLECTOR },
    },
    observability: {
      metrics: { enabled: true, process: true },
      tracing: { ...COLLECTOR, sample_ratio: 1 },
      logging: { level: 'info', format: 'json' },
    },
    server: { grpc: { enabled: false, addr: { host: '127.0.0.1', port: 9090 } } },
  });
});

test('the admin listener is there when it is asked for, on a loopback address unless there is a reason', () => {
  assert.deepEqual(load('service: {name: test}\nadmin: {}').admin, { addr: { host: '127.0.0.1', port: 9901 } });
  const open = load('service: {name: test}\nadmin: {addr: ":9901", remote_reason: scraped from another machine}');
  assert.deepEqual(open.admin, {
    addr: { host: undefined, port: 9901 },
    remote_reason: 'scraped from another machine',
  });
});

const TLS = 'http: {tls: {enabled: true, cert_file: /c, key_file: /k, client_ca_file: /a, client_auth: require}}';
const JWT = 'jwt: {issuer: "https://i", audience: a, jwks_url: "https://i/k"}';

const SWITCHES: [key: string, text: (value: boolean) => string, read: (config: SidecarConfig) => unknown][] = [
  [
    'S3-142 http.tls.enabled',
    (on) => `http: {tls: {enabled: ${on}, cert_file: /c, key_file: /k}}`,
    ({ http }) => http.tls.enabled,
  ],
  ['S3-151 proxy.enabled', (on) => `${JWT}\nproxy: {enabled: ${on}}`, ({ proxy }) => proxy.enabled],
  ['proxy.auth.enabled', (on) => `proxy: {auth: {enabled: ${on}}}`, ({ proxy }) => proxy.auth.enabled],
  ['S3-156 proxy.authz.enabled', (on) => `proxy: {authz: {enabled: ${on}}}`, ({ proxy }) => proxy.authz.enabled],
  [
    'S3-163 proxy.mtls.enabled',
    (on) => `${TLS}\nproxy: {mtls: {enabled: ${on}, allowed_clients: ["CN=a"]}}`,
    ({ proxy }) => proxy.mtls.enabled,
  ],
  [
    'proxy.headers.pass_token',
    (on) => `proxy: {headers: {pass_token: ${on}}}`,
    ({ proxy }) => proxy.headers.pass_token,
  ],
  [
    'proxy.headers.preserve_host',
    (on) => `proxy: {headers: {preserve_host: ${on}}}`,
    ({ proxy }) => proxy.headers.preserve_host,
  ],
  [
    'proxy.routes[].auth_required',
    (on) => `proxy: {routes: [{path: /, auth_required: ${on}}]}`,
    ({ proxy }) => proxy.routes[0]?.auth_required,
  ],
  [
    'proxy.routes[].authz_required',
    (on) => `proxy: {routes: [{path: /, authz_required: ${on}}]}`,
    ({ proxy }) => proxy.routes[0]?.authz_required,
  ],
  ['S3-171 egress.enabled', (on) => `egress: {enabled: ${on}}`, ({ egress }) => egress.enabled],
  [
    'S3-181 egress.targets.<name>.tls.enabled',
    (on) => `egress: {targets: {a: {url: "https://a", tls: {enabled: ${on}}}}}`,
    ({ egress }) => egress.targets['a']?.tls.enabled,
  ],
  [
    'observability.metrics.enabled',
    (on) => `observability: {metrics: {enabled: ${on}}}`,
    ({ observability }) => observability.metrics.enabled,
  ],
  [
    'observability.metrics.process',
    (on) => `observability: {metrics: {process: ${on}}}`,
    ({ observability }) => observability.metrics.process,
  ],
  ['audit.enabled', (on) => `audit: {enabled: ${on}}`, ({ audit }) => audit.enabled],
  [
    'audit.export.stdout.enabled',
    (on) => `audit: {export: {stdout: {enabled: ${on}}}}`,
    ({ audit }) => audit.export.stdout.enabled,
  ],
];
for (const [key, text, read] of SWITCHES) {
  test(`${key} is on and off as written`, () => {
    for (const value of [false, true]) assert.equal(read(load(`service: {name: test}\n${text(value)}`)), value);
  });
}

test('a route takes the upstream and the timeout of the proxy where it has none', () => {
  const { routes } = load(`service: {name: test}
proxy:
  upstream: {url: "http://127.0.0.1:4000", timeout: 5s}
  routes: [{path: /a}, {path: /b, upstream: "http://127.0.0.1:5000", timeout: 1s, methods: [GET], strip_prefix: /b, rewrite_prefix: /c}]`).proxy;
  const common = {
    auth_required: true,
    authz_required: true,
    required_scopes: [],
    websocket: false,
    target: undefined,
  };
  assert.deepEqual(routes, [
    { ...common, path: '/a', upstream: 'http://127.0.0.1:4000', timeout: 5000 },
    {
      ...common,
      path: '/b',
      upstream: 'http://127.0.0.1:5000',
      timeout: 1000,
      methods: ['GET'],
      strip_prefix: '/b',
      rewrite_prefix: '/c',
    },
  ]);
});

test('an upstream written otherwise than the url of its target still is that target', () => {
  const { routes } = load(`service: {name: test}
proxy: {routes: [{path: /a, upstream: "https://Orders.example:443/"}]}
egress: {targets: {orders: {url: "https://orders.example"}}}`).proxy;
  assert.equal(routes[0]?.target, 'orders');
});

test('several issuers share the interval above them unless they have their own', () => {
  const { issuers } = load(`jwt:
  issuer: "https://a"
  audience: [x, y, x]
  jwks_url: "https://a/k"
  jwks_refresh_interval: 5m
  issuers:
    - {name: b, issuer: "https://b", audience: z, jwks_url: "https://b/k"}
    - {name: c, issuer: "https://c", audience: [z], jwks_url: "https://c/k", jwks_refresh_interval: 1m}`).jwt;
  assert.deepEqual(
    issuers.map(({ name, audience, jwks_refresh_interval }) => [name, audience, jwks_refresh_interval]),
    [
      ['default', ['x', 'y'], 300_000],
      ['b', ['z'], 300_000],
      ['c', ['z'], 60_000],
    ],
  );
});

const USERS = 'https://idp.example/realms/users';
const SERVICES = 'https://idp.example/realms/services';
const TWO_ISSUERS = `${TLS}
jwt:
  issuers:
    - {name: users, issuer: "${USERS}", audience: test, jwks_url: "https://idp.example/users"}
    - {name: services, issuer: "${SERVICES}", audience: test, jwks_url: "https://idp.example/services"}
`;

for (const [title, identity, expected] of [
  ['without an issuer', 'a', ['identities."CN=a": names no issuer, and jwt has several']],
  [
    'that may forward, without an issuer',
    '{client_id: a, may_forward: [b]}',
    ['identities."CN=a": names no issuer, and jwt has several'],
  ],
  [
    'of another issuer',
    '{client_id: a, issuer: "https://evil.example"}',
    ['identities."CN=a".issuer: is no issuer of jwt'],
  ],
  [
    'that may forward tokens of another issuer',
    `{client_id: a, issuer: "${USERS}", may_forward: [{client_id: b, issuer: "https://evil.example"}]}`,
    ['identities."CN=a".may_forward[0].issuer: is no issuer of jwt'],
  ],
] as const) {
  test(`SD-05 with several issuers an identity ${title} is refused`, () => {
    const text = `${TWO_ISSUERS}identities: {"CN=a": ${identity}}`;
    const loaded = loadSidecarConfig(text, { file: 'a.yaml', env: {}, readFile: String });
    assert.ok(!loaded.ok);
    assert.deepEqual(
      loaded.diagnostics.map(({ path, message }) => `${path}: ${message}`),
      expected,
    );
  });
}

test('SD-05 every identity has an issuer: its own, that of its entry, or the only one', () => {
  const several = load(`${TWO_ISSUERS}identities:
  "CN=gateway": {client_id: api-gateway, issuer: "${SERVICES}", may_forward: [mobile, {client_id: web-app, issuer: "${USERS}"}]}`);
  assert.deepEqual(several.identities, {
    'CN=gateway': {
      client_id: 'api-gateway',
      issuer: SERVICES,
      may_forward: [
        { client_id: 'mobile', issuer: SERVICES },
        { client_id: 'web-app', issuer: USERS },
      ],
    },
  });
  const { identities } = load(`${TLS}
jwt: {issuer: "${USERS}", audience: test, jwks_url: "https://idp.example/users"}
identities:
  spiffe://example.org/zone1/api-gateway: {client_id: api-gateway, may_forward: [web-app]}
  "CN=order-service-client,O=MyOrg": order-service`);
  assert.deepEqual(identities, {
    'spiffe://example.org/zone1/api-gateway': {
      client_id: 'api-gateway',
      issuer: USERS,
      may_forward: [{ client_id: 'web-app', issuer: USERS }],
    },
    'CN=order-service-client,O=MyOrg': { client_id: 'order-service', issuer: USERS, may_forward: [] },
  });
});
