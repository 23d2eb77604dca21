/** The files that users already have load as they are. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { renderDiagnostic } from './diagnostic.ts';
import { loadRealm, loadSidecarConfig } from './load.ts';

const SEEDS = new URL('../../../../../shared/seeds/003/', import.meta.url);
const present = existsSync(SEEDS);
const skip = !present && process.env['CI'] !== 'true' ? 'the seed files are not beside the repository' : false;

const SECRETS = { ORDER_SERVICE_CLIENT_SECRET: 'order-canary', PAYMENT_SERVICE_CLIENT_SECRET: 'payment-canary' };

function options(file: string, env: Readonly<Record<string, string>>) {
  return {
    file,
    env,
    readFile: (path: string): string => {
      throw new Error(`nothing is read from ${path}`);
    },
  };
}

function load(name: string, env: Readonly<Record<string, string>> = SECRETS) {
  const file = `${name}.yaml`;
  const loaded = loadSidecarConfig(readFileSync(new URL(file, SEEDS), 'utf8'), options(file, env));
  return { loaded, findings: (loaded.ok ? loaded.warnings : loaded.diagnostics).map(renderDiagnostic) };
}

function config(name: string) {
  const { loaded, findings } = load(name);
  assert.ok(loaded.ok, findings.join('\n'));
  return loaded.config;
}

/** SD-05: the seed binds no token to a certificate. */
const UNBOUND =
  'no token is bound to these certificates: a client may present the token of another (add identities: {<certificate identity>: <client id>})';

for (const [name, variable, at] of [
  ['order-service', 'ORDER_SERVICE_CLIENT_SECRET', '54:24'],
  ['payment-service', 'PAYMENT_SERVICE_CLIENT_SECRET', '44:24'],
] as const) {
  test(`S3-178 ${name} without ${variable} does not load, and the error names the variable`, { skip }, () => {
    const { loaded, findings } = load(name, {});
    assert.equal(loaded.ok, false);
    assert.deepEqual(findings, [
      `${name}.yaml:${at}: error: egress.targets.data-service.auth.client_secret: needs the environment variable ${variable}, which is not set (set ${variable})`,
    ]);
  });
}

for (const [name, warnings] of [
  ['gateway', []],
  ['order-service', [`order-service.yaml:33:7: warning: proxy.mtls.allowed_clients: ${UNBOUND}`]],
  ['payment-service', [`payment-service.yaml:31:7: warning: proxy.mtls.allowed_clients: ${UNBOUND}`]],
  ['data-service', [`data-service.yaml:33:7: warning: proxy.mtls.allowed_clients: ${UNBOUND}`]],
] as const) {
  test(`S3-189 SD-05 ${name}.yaml loads as it is, with ${warnings.length} warnings`, { skip }, () => {
    const { loaded, findings } = load(name);
    assert.ok(loaded.ok, findings.join('\n'));
    assert.deepEqual(findings, warnings);
  });
}

test('S3-141 S3-142 S3-143 S3-144 S3-145 the listeners of the seed', { skip }, () => {
  const { addr, tls } = config('gateway').http;
  assert.deepEqual(addr, { host: undefined, port: 8443 });
  assert.deepEqual(tls, {
    enabled: true,
    source: 'files',
    cert_file: '/etc/certs/gateway/server.crt',
    key_file: '/etc/certs/gateway/server.key',
    client_trust_domains: [],
    client_auth: 'none',
  });
  const order = config('order-service').http.tls;
  assert.equal(order.client_auth, 'require');
  assert.equal(order.client_ca_file, '/etc/certs/ca/zone1-ca.crt');
});

test('S3-149 the issuers of the seed, and how often their keys are read', { skip }, () => {
  const realm = (name: string) => `https://keycloak.example.com/realms/${name}`;
  const issuer = (name: string, audience: string, interval = 60_000) => ({
    name: 'default',
    issuer: realm(name),
    audience: [audience],
    jwks_url: `${realm(name)}/protocol/openid-connect/certs`,
    jwks_refresh_interval: interval,
  });
  assert.deepEqual(config('gateway').jwt.issuers, [issuer('users', 'api-gateway', 3_600_000)]);
  assert.deepEqual(config('order-service').jwt.issuers, [issuer('users', 'order-service')]);
  assert.deepEqual(config('data-service').jwt.issuers, [issuer('services', 'data-service')]);
});

test('a sidecar is named by its audience', { skip }, () => {
  const names = ['gateway', 'order-service', 'payment-service', 'data-service'].map(
    (name) => config(name).service.name,
  );
  assert.deepEqual(names, ['api-gateway', 'order-service', 'payment-service', 'data-service']);
});

test('S3-159 the routes of the gateway use the TLS settings of its targets', { skip }, () => {
  const { proxy, egress } = config('gateway');
  assert.deepEqual(
    proxy.routes.map(({ path, upstream, auth_required, authz_required, target }) => ({
      path,
      upstream,
      auth_required,
      authz_required,
      target,
    })),
    ['order', 'payment'].map((name) => ({
      path: `/api/v1/${name}s/**`,
      upstream: `https://${name}-service.zone2.local:8443`,
      auth_required: true,
      authz_required: true,
      target: `${name}-service`,
    })),
  );
  assert.deepEqual(egress.targets['order-service']?.tls, {
    enabled: true,
    source: 'files',
    client_cert: '/etc/certs/gateway/client-zone2.crt',
    client_key: '/etc/certs/gateway/client-zone2.key',
    ca_cert: '/etc/certs/ca/zone2-ca.crt',
  });
  assert.deepEqual(egress.targets['payment-service']?.auth, { type: 'none' });
});

test('S3-161 SD-10 a sidecar without routes sends everything to the one local upstream', { skip }, () => {
  for (const name of ['order-service', 'payment-service', 'data-service']) {
    const routes = config(name).proxy.routes.map(({ path, upstream, target }) => ({ path, upstream, target }));
    assert.deepEqual(routes, [{ path: '/**', upstream: 'http://127.0.0.1:3000', target: undefined }]);
  }
});

test('S3-154 S3-155 header and scheme of the token have defaults where the seed names none', { skip }, () => {
  const { enabled, header, scheme, dpop } = config('payment-service').proxy.auth;
  assert.deepEqual([enabled, header, scheme, dpop.enabled], [true, 'Authorization', 'Bearer', false]);
});

test('S3-151 S3-152 S3-156 every sidecar of the seed asks its own policy', { skip }, () => {
  const queries = ['gateway', 'order-service', 'payment-service', 'data-service'].map((name) => {
    const { enabled, mode, auth, authz } = config(name).proxy;
    assert.deepEqual([enabled, mode, auth.enabled, authz.enabled], [true, 'reverse_proxy', true, true]);
    return authz.policy_query;
  });
  assert.deepEqual(queries, [
    'data.gateway.allow',
    'data.order.allow',
    'data.payment.allow',
    'data.dataservice.result',
  ]);
});

test('S3-163 headers and allowed clients of the seed', { skip }, () => {
  const gateway = config('gateway').proxy;
  assert.equal(gateway.mtls.enabled, false);
  assert.equal(gateway.headers.pass_token, true);
  assert.deepEqual(gateway.headers.inject_claims, {
    sub: 'X-User-ID',
    email: 'X-User-Email',
    'realm_access.roles': 'X-User-Roles',
  });
  const order = config('order-service').proxy;
  assert.deepEqual(order.mtls, { enabled: true, allowed_clients: ['CN=api-gateway-client,O=MyOrg'] });
  assert.equal(order.headers.inject_user_id, 'X-User-ID');
  assert.equal(order.headers.pass_token, false);
  assert.deepEqual(config('data-service').proxy.headers.extract, ['X-User-Context', 'X-Correlation-ID']);
});

test('S3-171 S3-172 S3-173 SD-10 egress listens on loopback where the seed names no address', { skip }, () => {
  const { enabled, addr, token_store } = config('payment-service').egress;
  assert.deepEqual(
    { enabled, addr, token_store },
    {
      enabled: true,
      addr: { host: '127.0.0.1', port: 8080 },
      token_store: { type: 'memory' },
    },
  );
  assert.equal(config('data-service').egress.enabled, false);
});

test('S3-174 S3-176 S3-177 S3-181 S3-182 the targets of the seed', { skip }, () => {
  for (const [name, scope, secret] of [
    ['order', 'data-service:write', 'order-canary'],
    ['payment', 'data-service:write-payments', 'payment-canary'],
  ] as const) {
    const target = config(`${name}-service`).egress.targets['data-service'];
    assert.ok(target?.auth.type === 'oauth2_client_credentials');
    const { client_secret, ...auth } = target.auth;
    assert.equal(client_secret?.reveal(), secret);
    assert.deepEqual(auth, {
      type: 'oauth2_client_credentials',
      token_url: 'https://keycloak.example.com/realms/services/protocol/openid-connect/token',
      client_id: `${name}-service`,
      client_auth: 'client_secret_post',
      scopes: ['data-service:read', scope],
      refresh_before_expiry: 60_000,
      params: {},
      dpop: false,
    });
    assert.deepEqual(
      [target.url, target.tls],
      [
        'https://data-service.zone3.local:8443',
        {
          enabled: true,
          source: 'files',
          client_cert: `/etc/certs/${name}-service/client-zone3.crt`,
          client_key: `/etc/certs/${name}-service/client-zone3.key`,
          ca_cert: '/etc/certs/ca/zone3-ca.crt',
        },
      ],
    );
  }
});

test('S3-185 the egress route of the seed', { skip }, () => {
  assert.deepEqual(config('order-service').egress.routes, [
    { path_prefix: '/data', target: 'data-service', strip_prefix: '/data' },
  ]);
});

test('S3-188 the policies of the seed, at the default path where it names none', { skip }, () => {
  for (const name of ['gateway', 'payment-service']) {
    assert.deepEqual(config(name).policy, {
      engine: 'opa_embedded',
      path: '/etc/authz/policies',
      default_decision: 'deny',
      hot_reload: true,
      print_enabled: false,
    });
  }
});

test('S3-178 a loaded configuration prints no secret', { skip }, () => {
  const text = JSON.stringify(config('order-service'));
  assert.ok(!text.includes('order-canary'));
  assert.match(text, /"client_secret":"\[redacted\]"/);
});

test('the realm file of the seed loads, and each secret in it is a warning', { skip }, () => {
  const file = 'realm-services.json';
  const loaded = loadRealm(readFileSync(new URL(file, SEEDS), 'utf8'), options(file, {}));
  assert.ok(loaded.ok);
  assert.deepEqual(
    loaded.warnings.map(({ line, column, code }) => `${line}:${column} ${code}`),
    ['11:17 secret_literal', '19:17 secret_literal', '27:17 secret_literal'],
  );
  assert.deepEqual(
    loaded.config.clients.map(({ clientId, secret }) => [clientId, secret?.reveal()]),
    [
      ['api-gateway', 'gateway-secret'],
      ['order-service', 'order-service-secret'],
      ['payment-service', 'payment-service-secret'],
    ],
  );
});
