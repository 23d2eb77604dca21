import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderDiagnostic } from './diagnostic.ts';
import type { Environment } from './interpolate.ts';
import { loadSidecarConfig } from './load.ts';
import type { SidecarConfig } from './schema/sidecar.ts';

interface Surroundings {
  readonly env?: Environment;
  readonly files?: Readonly<Record<string, string>>;
}

function load(text: string, { env = {}, files = {} }: Surroundings = {}) {
  const readFile = (path: string): string => {
    const contents = files[path];
    if (contents === undefined) throw new Error(`ENOENT: ${path}`);
    return contents;
  };
  return loadSidecarConfig(text, { file: 'sidecar.yaml', env, readFile, resolvePath: (path) => `/prefix${path}` });
}

/** Every finding as a person sees it, without the name of the file. */
function findings(text: string, surroundings?: Surroundings): string[] {
  const loaded = load(text, surroundings);
  const diagnostics = loaded.ok ? loaded.warnings : loaded.diagnostics;
  return diagnostics.map((diagnostic) => renderDiagnostic(diagnostic).replace('sidecar.yaml:', ''));
}

function usable(text: string, surroundings?: Surroundings): SidecarConfig {
  const loaded = load(text, surroundings);
  assert.ok(loaded.ok, findings(text, surroundings).join('\n'));
  return loaded.config;
}

const NAMED = 'service: {name: test}\n';
const TARGET = `${NAMED}egress:
  targets:
    data:
      url: "https://data.example"
      auth:
        type: oauth2_client_credentials
        token_url: "https://idp.example/token"
        client_id: me
`;

const WRONG: [title: string, text: string, findings: string[]][] = [
  [
    'S3-189 an unknown key, with the nearest known one',
    'http:\n  adr: ":1"',
    ['2:3: error: http.adr: is an unknown key (did you mean addr?)'],
  ],
  [
    'a clock skew beyond what any verifier accepts',
    'jwt: {validation: {clock_skew: 61s}}',
    ['1:32: error: jwt.validation.clock_skew: must be between 0s and 60s (for example 500ms, 60s, 5m, 1h, 90d)'],
  ],
  [
    'S3-189 an unknown key that is near nothing',
    'service:\n  zzzzzz: 1',
    ['2:3: error: service.zzzzzz: is an unknown key (the keys here are name)'],
  ],
  ['an unknown chapter', 'proxi: {}', ['1:1: error: proxi: is an unknown key (did you mean proxy?)']],
  [
    'a value that the reference has and this version lacks',
    `${NAMED}egress: {targets: {a: {url: "https://a", auth: {type: hmac}}}}`,
    [
      '2:55: error: egress.targets.a.auth.type: must be none or bearer or api_key or basic or mtls or oauth2_client_credentials or token_exchange or transaction_token or spiffe_jwt (known but not supported yet)',
    ],
  ],
  [
    'S3-152 a mode that does not exist',
    'proxy: {mode: sideways}',
    ['1:15: error: proxy.mode: must be reverse_proxy or decision_only'],
  ],
  [
    'S3-142 a word that is no boolean',
    'http: {tls: {enabled: yes}}',
    ['1:23: error: http.tls.enabled: must be true or false'],
  ],
  ['a number in quotes', 'http: {max_header_bytes: "9000"}', ['1:26: error: http.max_header_bytes: must be a number']],
  [
    'a number that is too small',
    'http: {max_header_bytes: 1}',
    ['1:26: error: http.max_header_bytes: must be at least 1024'],
  ],
  ['a list where a mapping belongs', 'http: []', ['1:7: error: http: must be a mapping']],
  ['a mapping where a list belongs', 'proxy: {routes: {}}', ['1:17: error: proxy.routes: must be a list']],
  ['an empty chapter', 'http:\nproxy: {}', ['1:1: error: http: must be a mapping']],
  ['a document that is a list', '- a', ['1:1: error: must be a mapping']],
  [
    'S3-141 an address that is a number',
    'http: {addr: 8443}',
    ['1:14: error: http.addr: must be a string (for example :8443, 127.0.0.1:0, [::1]:8080)'],
  ],
  [
    'a duration without unit',
    'jwt: {jwks_refresh_interval: "3600"}',
    ['1:30: error: jwt.jwks_refresh_interval: is not a duration (for example 500ms, 60s, 5m, 1h, 90d)'],
  ],
  [
    'a duration out of bounds',
    'jwt: {jwks_refresh_interval: 500ms}',
    ['1:30: error: jwt.jwks_refresh_interval: must be between 1s and 24h (for example 500ms, 60s, 5m, 1h, 90d)'],
  ],
  [
    'S3-143 S3-144 TLS without certificate and key',
    'http:\n  tls: {enabled: true}',
    [
      '2:3: error: http.tls.cert_file: is required (tls.enabled is true)',
      '2:3: error: http.tls.key_file: is required (tls.enabled is true)',
    ],
  ],
  [
    'S3-145 client certificates without their CA, and without TLS',
    'http: {tls: {client_auth: require}}',
    [
      '1:8: error: http.tls.client_ca_file: is required (client_auth is require)',
      '1:27: error: http.tls.client_auth: needs TLS (set tls.enabled to true)',
    ],
  ],
  [
    'S3-163 allowed clients that no handshake asks for',
    'proxy:\n  mtls: {enabled: true, allowed_clients: ["CN=a"]}',
    ['2:19: error: proxy.mtls.enabled: needs client certificates (set http.tls.client_auth to require)'],
  ],
  [
    'mutual TLS that nobody may use',
    'proxy: {mtls: {enabled: true}}',
    [
      '1:9: error: proxy.mtls.allowed_clients: is empty (list the clients: with an empty list nobody could call)',
      '1:25: error: proxy.mtls.enabled: needs client certificates (set http.tls.client_auth to require)',
    ],
  ],
  [
    'an issuer without audience',
    'jwt: {issuer: "https://idp.example"}',
    ['1:1: error: jwt.audience: is required (issuer is set)'],
  ],
  [
    'S3-149 keys without the issuer that they belong to',
    'jwt: {jwks_url: "https://idp.example/certs"}',
    [
      '1:1: error: jwt.issuer: is required (jwks_url is set)',
      '1:1: error: jwt.audience: is required (jwks_url is set)',
    ],
  ],
  [
    'scopes where no token is asked for',
    'proxy: {routes: [{path: /a, auth_required: false, required_scopes: [x]}]}',
    ['1:68: error: proxy.routes[0].required_scopes: needs a token (set auth_required to true)'],
  ],
  [
    'C-049 a scope that is two',
    'proxy: {routes: [{path: /a, required_scopes: ["x y"]}]}',
    ['1:47: error: proxy.routes[0].required_scopes[0]: is not a scope (for example data-service:read)'],
  ],
  [
    'tokens that nobody can verify',
    'proxy: {enabled: true}',
    ['1:1: error: jwt.issuer: is required (proxy.auth.enabled is true: set issuer and audience)'],
  ],
  [
    'SD-08 a token without expiry',
    'jwt: {validation: {require_expiration: false}}',
    ['1:40: error: jwt.validation.require_expiration: must be true'],
  ],
  [
    'an issuer that is configured twice',
    `jwt:
  issuers:
    - {name: a, issuer: "https://i", audience: x, jwks_url: "https://i/k"}
    - {name: b, issuer: "https://i", audience: y, jwks_url: "https://i/l"}`,
    ['4:25: error: jwt.issuers[1].issuer: is configured twice'],
  ],
  [
    'an audience that is neither a string nor a list of strings',
    'jwt: {audience: 5}',
    [
      '1:1: error: jwt.issuer: is required (audience is set)',
      '1:17: error: jwt.audience: must be a string or a list of strings',
    ],
  ],
  [
    'a query that names no rule',
    'proxy: {authz: {policy_query: data.gateway}}',
    ['1:31: error: proxy.authz.policy_query: is not `data.<package>.<rule>` (for example data.gateway.allow)'],
  ],
  [
    'S3-185 a route to a target that does not exist',
    `${TARGET}        client_secret: "\${S}"\n  routes:\n    - {path_prefix: /data, target: dta}`,
    ['12:36: error: egress.routes[0].target: no target has this name (the targets are data)'],
  ],
  [
    'a prefix that is not there to be stripped',
    `${TARGET}        client_secret: "\${S}"\n  routes:\n    - {path_prefix: /data, target: data, strip_prefix: /dat}`,
    ['12:56: error: egress.routes[0].strip_prefix: is not how path_prefix begins'],
  ],
  [
    'S3-178 a secret that is written in the file',
    `${TARGET}        client_secret: hunter2`,
    [
      '10:24: error: egress.targets.data.auth.client_secret: is a secret written in the file (write ${VARIABLE}, or name a file in client_secret_file)',
    ],
  ],
  [
    'a secret that is written as the default of a variable',
    `${TARGET}        client_secret: "\${S:-hunter2}"`,
    [
      '10:24: error: egress.targets.data.auth.client_secret: is a secret written in the file (write ${VARIABLE}, or name a file in client_secret_file)',
    ],
  ],
  [
    'a secret of which a part is written in the file',
    `${TARGET}        client_secret: "hunter-\${S}"`,
    [
      '10:24: error: egress.targets.data.auth.client_secret: is a secret written in the file (write ${VARIABLE}, or name a file in client_secret_file)',
    ],
  ],
  [
    'S3-177 a secret that is missing',
    TARGET,
    ['6:7: error: egress.targets.data.auth.client_secret: is required (client_auth is client_secret_post)'],
  ],
  [
    'S3-178 a variable that is not set',
    `${TARGET}        client_secret: "\${MY_SECRET}"`,
    [
      '10:24: error: egress.targets.data.auth.client_secret: needs the environment variable MY_SECRET, which is not set (set MY_SECRET)',
    ],
  ],
  [
    'a variable without name',
    'service: {name: "${}-a"}',
    ['1:17: error: service.name: has `${` without a variable name and `}` (${NAME} or ${NAME:-default})'],
  ],
  [
    'an auth type that does not exist',
    `${NAMED}egress: {targets: {a: {url: "https://a", auth: {type: magic}}}}`,
    [
      '2:55: error: egress.targets.a.auth.type: must be none or bearer or api_key or basic or mtls or oauth2_client_credentials or token_exchange or transaction_token or spiffe_jwt',
    ],
  ],
  [
    'a key of another auth type',
    `${NAMED}egress: {targets: {a: {url: "https://a", auth: {type: none, client_id: x}}}}`,
    ['2:61: error: egress.targets.a.auth.client_id: is an unknown key (the keys here are type)'],
  ],
  [
    'the name of a target with a blank in it',
    `${NAMED}egress: {targets: {"a b": {url: "https://a"}}}`,
    [
      '2:20: error: egress.targets: has a key that is not a name of letters, digits, `-`, `_` and `.` (for example order-service)',
    ],
  ],
  [
    'S3-182 a client certificate without key, and one for a target without TLS',
    `${NAMED}egress: {targets: {a: {url: "http://127.0.0.1:1", tls: {enabled: true, client_cert: /c}}}}`,
    [
      '2:51: error: egress.targets.a.tls.client_key: is required (client_cert is set)',
      '2:66: error: egress.targets.a.tls.enabled: needs an https url',
    ],
  ],
  [
    'S3-173 an egress listener that other machines reach',
    `${NAMED}egress: {addr: ":8080"}`,
    ['2:16: error: egress.addr: is not a loopback address (for example :8443, 127.0.0.1:0, [::1]:8080)'],
  ],
  [
    'two client certificates for one upstream',
    `${NAMED}proxy: {routes: [{path: /a, upstream: "https://x:443"}]}
egress: {targets: {a: {url: "https://x"}, b: {url: "https://x/"}}}`,
    ['2:39: error: proxy.routes[0].upstream: is the url of several egress targets (keep one of a, b)'],
  ],
  [
    'S3-189 a limit that is no number of requests in a time',
    `${NAMED}proxy: {routes: [{path: /a, rate_limit: 100/day}, {path: /b, rate_limit: 0/s}]}`,
    ['2:41: error', '2:74: error'].map(
      (at, index) =>
        `${at}: proxy.routes[${index}].rate_limit: is not a number of requests and a unit of time (for example 10/s, 100/m, 1000/h)`,
    ),
  ],
  [
    'callers that are counted by what they do not have',
    `${NAMED}proxy: {auth: {enabled: false}, rate_limit: {enabled: true, by: user}}`,
    ['2:65: error: proxy.rate_limit.by: needs tokens (set proxy.auth.enabled to true)'],
  ],
  [
    'a route that counts client certificates, where nobody asks for them',
    `${NAMED}proxy: {routes: [{path: /a, rate_limit: 1/s}], rate_limit: {by: peer}}`,
    ['2:65: error: proxy.rate_limit.by: needs client certificates (set http.tls.client_auth to require)'],
  ],
  [
    'every origin with credentials, and beside single ones',
    `${NAMED}proxy: {cors: {enabled: true, allowed_origins: ["*", "https://a.example"], allow_credentials: true}}`,
    [
      '2:48: error: proxy.cors.allowed_origins: has `*` beside single origins (keep one or the other)',
      '2:95: error: proxy.cors.allow_credentials: cannot be true for every origin (name the origins: any page on the web could act as its visitor)',
    ],
  ],
  [
    'CORS for nobody, and headers by wildcard',
    `${NAMED}proxy: {cors: {enabled: true, allowed_headers: ["*"]}}`,
    [
      '2:9: error: proxy.cors.allowed_origins: is empty (list the origins: with an empty list no page could call)',
      '2:49: error: proxy.cors.allowed_headers[0]: is a wildcard (name the headers)',
    ],
  ],
  [
    'origins that no browser sends',
    `${NAMED}proxy: {cors: {allowed_origins: ["https://A.example", "https://a.example/", "https://a.example:443", "null"]}}`,
    [0, 1, 2, 3].map(
      (index) =>
        `2:${[34, 55, 77, 102][index]}: error: proxy.cors.allowed_origins[${index}]: is not an origin as browsers send it: scheme, host in lower case, port unless it is the default one (for example https://app.example.com, http://localhost:5173, *)`,
    ),
  ],
  [
    'more attempts than a failing service should see',
    `${NAMED}proxy: {retry: {attempts: 11, delay: 11s, conditions: [4xx]}}`,
    [
      '2:27: error: proxy.retry.attempts: must be at most 10',
      '2:38: error: proxy.retry.delay: must be between 0s and 10s (for example 500ms, 60s, 5m, 1h, 90d)',
      '2:56: error: proxy.retry.conditions[0]: must be 5xx or reset or connect_failure',
    ],
  ],
  [
    'an algorithm that no token may be signed with',
    `${NAMED}jwt: {issuers: [{name: a, issuer: "https://i", audience: x, jwks_url: "https://i/k", algorithms: [HS256]}]}`,
    [
      '2:99: error: jwt.issuers[0].algorithms[0]: must be RS256 or RS384 or RS512 or PS256 or PS384 or PS512 or ES256 or ES384 or ES512 or EdDSA or Ed25519',
    ],
  ],
  [
    'TLS towards an app that is called without it',
    `${NAMED}proxy: {upstream: {url: "http://127.0.0.1:1", tls: {enabled: true}}}`,
    ['2:62: error: proxy.upstream.tls.enabled: needs an https url'],
  ],
  [
    'two TLS settings for one upstream',
    `${NAMED}proxy: {upstream: {url: "https://x", tls: {enabled: true}}}
egress: {targets: {a: {url: "https://x"}}}`,
    [
      '2:43: error: proxy.upstream.tls: is a second TLS setting for one url (remove one of it and egress.targets.a.tls)',
    ],
  ],
  [
    'one header from two claims',
    `${NAMED}proxy: {headers: {inject_user_id: X-User, inject_claims: {email: x-user}}}`,
    ['2:66: error: proxy.headers.inject_claims.email: names a header that is configured twice (see inject_user_id)'],
  ],
  [
    'a credential among the headers for policy and audit',
    `${NAMED}proxy: {headers: {extract: [X-A, Cookie]}}`,
    [
      '2:34: error: proxy.headers.extract[1]: is a credential, which policies and audit never see (for example X-User-ID)',
    ],
  ],
  [
    'a header that is framing',
    `${NAMED}proxy: {headers: {add: {Transfer-Encoding: chunked}}}`,
    ['2:25: error: proxy.headers.add: has a key that is a header that cannot be configured (for example X-User-ID)'],
  ],
  [
    'a header value with a line break',
    `${NAMED}proxy: {headers: {add: {X-A: "a\\r\\nB: c"}}}`,
    ['2:30: error: proxy.headers.add.X-A: has characters that a header cannot carry'],
  ],
  [
    'an identity that is neither SPIFFE ID nor DN',
    `${NAMED}identities: {gateway: api-gateway}`,
    [
      '2:14: error: identities: has a key that is neither a SPIFFE ID nor a distinguished name (for example spiffe://example.org/zone1/api-gateway, CN=api-gateway-client,O=MyOrg)',
    ],
  ],
  [
    'a binding with an unknown key',
    `${NAMED}identities: {"CN=a": {client_id: a, may_foward: [b]}}`,
    [
      '2:13: error: identities: needs client certificates (set http.tls.client_auth to require)',
      '2:37: error: identities."CN=a".may_foward: is an unknown key (did you mean may_forward?)',
    ],
  ],
  [
    'SD-05 identities that no handshake proves',
    `${NAMED}identities: {"CN=a": a}`,
    ['2:13: error: identities: needs client certificates (set http.tls.client_auth to require)'],
  ],
  [
    'a sidecar without a name for its records',
    'egress: {enabled: true}',
    ['1:1: error: service.name: is required (without jwt.audience the audit trail needs a name)'],
  ],
];

for (const [title, text, expected] of WRONG) {
  test(`${title}, is an error at its place`, () => {
    // half of the rows are about one chapter only and do not care for a name
    const name = 'service.name: is required';
    const found = findings(text, { env: { S: 's' } }).filter(
      (line) => !line.includes(name) || expected.join().includes(name),
    );
    assert.deepEqual(found, expected);
  });
}

test('S3-189 all errors of all chapters are found at once, in the order of the file', () => {
  const text = 'http:\n  adr: 1\n  read_timeout: 5\nproxy:\n  enabled: 1\npolicy:\n  engine: x\n';
  assert.deepEqual(
    findings(text).map((line) => line.split(' ')[0]),
    ['1:1:', '2:3:', '3:17:', '5:12:', '7:11:'],
  );
});

test('a rule between keys is checked beside other mistakes in the same chapter', () => {
  const text = `${NAMED}http: {addr: 1, zzz: 2, tls: {enabled: true, cert_file: /c}}`;
  assert.deepEqual(
    findings(text).map((line) => line.split(' ').slice(0, 3).join(' ')),
    ['2:14: error: http.addr:', '2:17: error: http.zzz:', '2:25: error: http.tls.key_file:'],
  );
});

for (const [title, text, expected] of [
  [
    'SD-05 clients without a table of identities',
    `${NAMED}http: {addr: "127.0.0.1:0", tls: {enabled: true, cert_file: /c, key_file: /k, client_ca_file: /a, client_auth: require}}
proxy: {mtls: {enabled: true, allowed_clients: ["CN=a"]}}`,
    [
      '3:48: warning: proxy.mtls.allowed_clients: no token is bound to these certificates: a client may present the token of another (add identities: {<certificate identity>: <client id>})',
    ],
  ],
  [
    'clients that no handshake proves',
    `${NAMED}proxy: {mtls: {allowed_clients: ["CN=a"]}}`,
    ['2:33: warning: proxy.mtls.allowed_clients: has no effect (set proxy.mtls.enabled to true)'],
  ],
  [
    'tokens in clear text',
    `${NAMED}proxy: {enabled: true, auth: {enabled: false}}`,
    [
      '1:1: warning: http.tls.enabled: tokens arrive in clear text from other machines (enable TLS, or listen on 127.0.0.1)',
      '2:40: warning: proxy.auth.enabled: takes calls of anybody (require a token, or client certificates with proxy.mtls)',
    ],
  ],
  [
    'S3-181 TLS files of a target that are not used',
    `${NAMED}egress: {targets: {a: {url: "https://a", tls: {ca_cert: /ca}}}}`,
    ['2:47: warning: egress.targets.a.tls: has no effect (set tls.enabled to true)'],
  ],
] as const) {
  test(`${title}: a warning that does not stop the start`, () => {
    assert.ok(load(text).ok);
    assert.deepEqual(findings(text), expected);
  });
}

test('C-070 http is for loopback hosts only, and a URL is plain', () => {
  const refused = [
    'http://idp.example',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://0.0.0.0',
    'http://[::2]',
    'http://user@127.0.0.1',
    'https://user:pw@idp.example',
    'https://idp.example#x',
    'https://idp。example',
    'https://idp.example\\\\@evil',
    'https:idp.example',
    '//idp.example',
    'ftp://idp.example',
    'file:///etc/passwd',
    'https://idp.example/\\t',
    'https://',
  ];
  for (const url of refused) {
    const found = findings(`${NAMED}jwt: {issuer: "${url}", audience: a, jwks_url: "https://k"}`);
    assert.match(found.join(), /^2:15: error: jwt\.issuer: is not an https URL/, url);
  }
  for (const url of [
    'https://idp.example/realms/users',
    'http://127.0.0.1:8080/x',
    'http://localhost/x',
    'http://[::1]:1',
  ]) {
    assert.deepEqual(findings(`${NAMED}jwt: {issuer: "${url}", audience: a, jwks_url: "${url}"}`), [], url);
  }
});

test('S3-159 S3-174 upstreams and targets are origins, without path, in one normal form', () => {
  const target = (url: string) => `${NAMED}egress: {targets: {a: {url: "${url}"}}}`;
  for (const url of ['https://a/b', 'https://a?x', 'https://a/?x', 'http://a', 'a:443']) {
    assert.match(findings(target(url)).join(), /^2:29: error: egress\.targets\.a\.url: is not an https origin/, url);
  }
  for (const url of ['https://A.example:443', 'https://a.example/', 'https://a.example']) {
    assert.equal(usable(target(url)).egress.targets['a']?.url, 'https://a.example');
  }
});

test('route patterns are whole segments', () => {
  const route = (path: string) => `${NAMED}proxy: {routes: [{path: "${path}"}]}`;
  for (const path of [
    '',
    'api',
    '/a/',
    '//',
    '/a//b',
    '/a/**/b',
    '/a*',
    '/***',
    '/../a',
    '/./a',
    '/a?b',
    '/a%2fb',
    '/a;b',
    '/a b',
  ]) {
    assert.match(findings(route(path)).join(), /^2:25: error: proxy\.routes\[0\]\.path: is not a path pattern/, path);
  }
  for (const path of ['/', '/**', '/*', '/*/**', '/a', '/a/*/b', '/api/v1/orders/**', '/.well-known/x']) {
    assert.equal(usable(route(path)).proxy.routes[0]?.path, path);
  }
});

test('S3-189 allowed clients are SPIFFE IDs or distinguished names', () => {
  const client = (text: string) => `${NAMED}proxy: {mtls: {allowed_clients: ["${text}"]}}`;
  for (const text of [
    '',
    'api-gateway',
    'CN=',
    'CN=a,',
    ',CN=a',
    'CN=a,O',
    'spiffe://Example.org/a',
    'spiffe://example.org',
    'https://a',
    'CN=a\\nO=b',
  ]) {
    assert.match(findings(client(text)).join(), /^2:34: error: proxy\.mtls\.allowed_clients\[0\]: is neither/, text);
  }
  for (const text of [
    'CN=api-gateway-client,O=MyOrg',
    'O=My Org, CN=a',
    'CN=a\\\\,b',
    'spiffe://example.org/zone1/api-gateway',
  ]) {
    assert.ok(load(client(text)).ok, text);
  }
});

test('S3-176 a complete client credentials target', () => {
  const text = `${TARGET}        client_secret: "\${S}"
        scopes: ["data-service:read", "data-service:write"]
        refresh_before_expiry: 2m
        client_auth: client_secret_basic
        audience: data-service
        resource: "https://data.example/api"
`;
  const { auth } = usable(text, { env: { S: 's3cret' } }).egress.targets['data'] ?? {};
  assert.ok(auth?.type === 'oauth2_client_credentials');
  assert.equal(auth.client_secret?.reveal(), 's3cret');
  const { client_secret: _, ...rest } = auth;
  assert.deepEqual(rest, {
    type: 'oauth2_client_credentials',
    token_url: 'https://idp.example/token',
    client_id: 'me',
    client_auth: 'client_secret_basic',
    scopes: ['data-service:read', 'data-service:write'],
    refresh_before_expiry: 120_000,
    audience: 'data-service',
    resource: 'https://data.example/api',
    params: {},
    dpop: false,
  });
});

test('paths mean what resolvePath says, the defaults as well', () => {
  const config = usable(`${NAMED}http: {tls: {enabled: true, cert_file: /c, key_file: /k}}`);
  assert.equal(config.http.tls.cert_file, '/prefix/c');
  assert.equal(config.policy.path, '/prefix/etc/authz/policies');
});

test('an empty file is a sidecar that serves nothing, but needs a name', () => {
  assert.deepEqual(findings(''), [
    '1:1: error: service.name: is required (without jwt.audience the audit trail needs a name)',
  ]);
  assert.equal(usable(NAMED).proxy.enabled, false);
});
