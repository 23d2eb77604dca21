/** The guard in processes of their own, as its users start it, in front of real servers: what it reports, what it stops, what it lets be. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { startCalledService } from '../support/called-service.ts';
import { createTestAuthority } from '../support/certificates.ts';
import type { CallOutcome, ClientName, GuardedCall } from '../support/guarded-app.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const APP = path.join(ROOT, 'tests/support/guarded-app.ts');
const STOPPED = 'ERR_SIDEGATE_ANONYMOUS_CALL';

const authority = createTestAuthority('guard-CA');
const server = authority.issue({ dns: ['localhost'], eku: ['serverAuth'] });
const client = authority.issue({ subject: [{ CN: 'orders' }] });
const SERVER_TLS = {
  cert: server.certPem,
  key: server.keyPem,
  ca: authority.certPem,
  requestCert: true,
  rejectUnauthorized: false,
};
const TRUST = { ca: authority.certPem };
const IDENTITY = { ...TRUST, cert: client.certPem, key: client.keyPem };

/** What every client can do; HTTP/2 stands below. */
const PLAIN: readonly ClientName[] = [
  'fetch',
  'undiciFetch',
  'undiciRequest',
  'undiciPost',
  'httpGet',
  'httpAgent',
  'httpStream',
  'httpList',
];
/** The `fetch` of Node 24 takes no dispatcher of undici 8, and has no other way to a client certificate. */
const OWN_FETCH: readonly ClientName[] = Number.parseInt(process.versions['undici'] ?? '', 10) < 8 ? [] : ['fetch'];
const SECURE: readonly ClientName[] = [
  ...OWN_FETCH,
  'undiciFetch',
  'undiciRequest',
  'undiciPost',
  'httpGet',
  'httpAgent',
  'httpStream',
];

for (const name of PLAIN) {
  test(`S0-02 S0-59 ${name}: an anonymous call is stopped before a byte leaves, and its caller is told why`, async () => {
    let bytes = 0;
    const listener = net.createServer((socket) =>
      socket.on('data', (chunk) => (bytes += chunk.length)).on('error', () => {}),
    );
    listener.listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    const { port } = listener.address() as AddressInfo;
    const { outcomes, stderr } = await run([{ client: name, url: `http://127.0.0.1:${port}/orders` }], BLOCK);
    listener.close();
    assert.deepEqual(outcomes, [{ code: STOPPED }], stderr);
    assert.equal(bytes, 0);
    assert.match(stderr, new RegExp(`AUTH-14: \\w+ http://127\\.0\\.0\\.1:${port}/orders was stopped`));
    assert.match(
      stderr,
      /1 calls: 0 with credentials, 0 with mutual TLS, 0 exempt, 1 anonymous and stopped from 1 places/,
    );
  });

  test(`${name}: a call with credentials is let be`, async () => {
    await using service = await startCalledService();
    const headers = { authorization: 'Bearer canary-token' };
    const { outcomes, stderr } = await run([{ client: name, url: `${service.url}/orders`, headers }], BLOCK);
    assert.deepEqual(outcomes, [{ status: 200 }], stderr);
    assert.match(stderr, /^sidegate guard: 1 calls: 1 with credentials[^\n]*\n$/);
  });
}

for (const name of SECURE) {
  test(`S0-59 ${name}: over TLS a call without a client certificate is stopped, one with it is let be`, async () => {
    await using service = await startCalledService({ tls: SERVER_TLS });
    const url = `${service.url}/orders`;
    const calls: readonly GuardedCall[] = [
      { client: name, url, tls: TRUST },
      { client: name, url, tls: IDENTITY },
    ];
    const { outcomes, stderr } = await run(calls, BLOCK);
    assert.deepEqual(outcomes, [{ code: STOPPED }, { status: 200 }], stderr);
    assert.deepEqual(
      service.calls.map(({ caller }) => caller),
      ['orders'],
    );
    assert.match(stderr, /2 calls: 0 with credentials, 1 with mutual TLS, 0 exempt, 1 anonymous and stopped/);
  });
}

for (const name of ['undiciHttp2', 'http2'] as const) {
  test(`${name}: an anonymous stream is reported and ended, one with credentials or a certificate is let be`, async () => {
    const listener = http2.createSecureServer(SERVER_TLS, (_request, response) => void response.end('{}'));
    listener.listen(0, 'localhost');
    await new Promise((resolve) => listener.once('listening', resolve));
    const url = `https://localhost:${(listener.address() as AddressInfo).port}/orders`;
    const calls: readonly GuardedCall[] = [
      { client: name, url, tls: TRUST },
      { client: name, url, tls: TRUST, headers: { authorization: 'Bearer canary-token' } },
      { client: name, url, tls: IDENTITY },
    ];
    const { outcomes, stderr } = await run(calls, BLOCK);
    listener.close();
    assert.deepEqual(outcomes, [{ code: STOPPED }, { status: 200 }, { status: 200 }], stderr);
    assert.match(stderr, /3 calls: 1 with credentials, 1 with mutual TLS, 0 exempt, 1 anonymous and stopped/);
  });
}

test('S0-59 in report mode every call goes out, and each place is told once, by where it stands in the code', async () => {
  await using service = await startCalledService();
  const calls: readonly GuardedCall[] = [
    {
      client: 'fetch',
      url: `${service.url}/orders?token=canary-query`,
      times: 3,
      headers: { 'x-note': 'canary-field' },
    },
    { client: 'httpGet', url: `${service.url}/stock?token=canary-query`, times: 2 },
  ];
  const { outcomes, stderr } = await run(calls, {});
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    [200, 200, 200, 200, 200],
  );
  assert.equal(service.calls.length, 5);
  assert.equal(stderr.match(/proves nobody/g)?.length, 2, stderr);
  assert.match(
    stderr,
    /GET http:\/\/localhost:\d+\/orders proves nobody[^\n]*\n {2}at \S*fetch \(\S*tests\/support\/guarded-app\.ts:\d+:\d+\)/,
  );
  assert.match(stderr, /5 anonymous from 2 places/);
  assert.doesNotMatch(stderr, /canary|node_modules|node:internal/);
});

test('the report as JSON lines: a program can read it', async () => {
  await using service = await startCalledService();
  const { stderr } = await run([{ client: 'undiciRequest', url: `${service.url}/orders?x=canary` }], {
    SIDEGATE_GUARD_FORMAT: 'json',
  });
  const [found, summary] = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const { frames, ...rest } = found ?? {};
  assert.deepEqual(rest, {
    guard: 'sidegate',
    event: 'anonymous_call',
    rule: 'AUTH-14',
    mode: 'report',
    method: 'GET',
    url: `${service.url}/orders`,
  });
  assert.match(String((frames as string[])[0]), /guarded-app\.ts:\d+:\d+/);
  assert.deepEqual(summary, {
    guard: 'sidegate',
    event: 'summary',
    mode: 'report',
    calls: 1,
    credentials: 0,
    mutualTls: 0,
    exempt: 0,
    anonymous: 1,
    places: 1,
  });
});

test('what is exempt is let be: ports of loopback, the path of a token endpoint; another path of it is not', async () => {
  await using service = await startCalledService();
  const calls: readonly GuardedCall[] = [
    { client: 'fetch', url: `${service.url}/realms/main/token` },
    { client: 'httpGet', url: `${service.url}/realms/main/userinfo` },
  ];
  const exempt = `loopback:1-2, loopback:${service.port}/realms/*/token`;
  const { outcomes, stderr } = await run(calls, { ...BLOCK, SIDEGATE_GUARD_EXEMPT: exempt });
  assert.deepEqual(outcomes, [{ status: 200 }, { code: STOPPED }], stderr);
  assert.match(stderr, /1 exempt, 1 anonymous and stopped/);
});

for (const [field, value] of [
  ['dpop', 'x'],
  ['Signature', 'sig1=:x:'],
  ['X-Signature', 'x'],
  ['x-mesh-ticket', 'x'],
] as const) {
  test(`${field} proves who calls`, async () => {
    await using service = await startCalledService();
    const calls = (['fetch', 'httpGet'] as const).map((name) => ({
      client: name,
      url: service.url,
      headers: { [field]: value },
    }));
    const { outcomes, stderr } = await run(calls, { ...BLOCK, SIDEGATE_GUARD_FIELDS: 'X-Mesh-Ticket' });
    assert.deepEqual(outcomes, [{ status: 200 }, { status: 200 }], stderr);
  });
}

test('a worker thread is guarded as well, and says what it stopped', async () => {
  await using service = await startCalledService();
  const { outcomes, stderr } = await run([{ client: 'worker', url: service.url }], BLOCK);
  assert.deepEqual(outcomes, [{ code: STOPPED }], stderr);
  assert.match(stderr, /AUTH-14: GET http:\/\/localhost:\d+\/ was stopped/);
  assert.equal(service.calls.length, 0);
});

test('a setting that is none stops the start: nothing runs unguarded by a slip of the pen', async () => {
  const { code, outcomes, stderr } = await run([], { SIDEGATE_GUARD: 'blok' });
  assert.notEqual(code, 0);
  assert.deepEqual(outcomes, []);
  assert.match(stderr, /SIDEGATE_GUARD is report, block, off; not "blok"/);
});

test('switched off, it neither stops nor says anything', async () => {
  await using service = await startCalledService();
  const { outcomes, stderr } = await run([{ client: 'fetch', url: service.url }], { SIDEGATE_GUARD: 'off' });
  assert.deepEqual([outcomes, stderr], [[{ status: 200 }], '']);
});

const BLOCK = { SIDEGATE_GUARD: 'block' };

interface Run {
  readonly code: number;
  readonly outcomes: readonly CallOutcome[];
  readonly stderr: string;
}

function run(calls: readonly GuardedCall[], settings: Readonly<Record<string, string>>): Promise<Run> {
  const args = ['--conditions=@sidegate/source', '--import', '@sidegate/sdk/guard', APP, JSON.stringify(calls)];
  const options = { cwd: ROOT, timeout: 30_000, env: { PATH: process.env['PATH'], ...settings } };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code !== 'number') reject(new Error(`the application did not end: ${stderr}`, { cause: error }));
      else resolve({ code, stderr, outcomes: stdout === '' ? [] : (JSON.parse(stdout) as readonly CallOutcome[]) });
    });
  });
}
