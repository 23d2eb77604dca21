/** Records that cannot be kept: in mode `required` nothing leaves without its record, in mode `best_effort` each loss is counted. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { type HandlerApp, startHandlerApp } from '../support/handler-app.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { startSidecarProcess } from '../support/sidecar-process.ts';
import { until } from '../support/until.ts';
import { sendBytes, sendRequest, type WireAnswer } from '../support/wire.ts';

/** A disk that is full while `full` is set. */
function disk(): { full: boolean; readonly beforeKeeping: () => void } {
  const state = {
    full: false,
    beforeKeeping: () => {
      if (state.full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    },
  };
  return state;
}

function assertUnavailable({ status, headers, body, raw }: WireAnswer): void {
  assert.equal(status, 503, raw);
  assert.equal((JSON.parse(body) as { code?: string }).code, 'audit_unavailable');
  assert.equal(headers['retry-after'], '1');
  assert.equal(headers['content-type'], 'application/problem+json');
}

const MODE = (mode: string): string => `audit: { mode: ${mode} }\nadmin: { addr: "127.0.0.1:0" }`;

describe('with audit.mode required and a full disk', () => {
  test('an answer of which nothing has left becomes 503, and the next request does not reach the service', async () => {
    const storage = disk();
    await using ingress = await startIngress({ chapters: MODE('required'), beforeKeeping: storage.beforeKeeping });
    assert.equal((await ingress.send()).status, 200);
    storage.full = true;
    const withheld = await ingress.send();
    assertUnavailable(withheld);
    assert.ok(!withheld.raw.includes('{"ok":true}'), 'not a byte of the answer');
    assert.equal(ingress.app.seen.length, 2, 'it was asked before anybody knew');
    assertUnavailable(await ingress.send());
    assert.equal(ingress.app.seen.length, 2, 'and not again');
    assert.equal(ingress.sidecar.audit.length, 1);
  });

  test('a refusal becomes 503 as well', async () => {
    const storage = disk();
    await using ingress = await startIngress({ chapters: MODE('required'), beforeKeeping: storage.beforeKeeping });
    storage.full = true;
    assertUnavailable(await ingress.send({ headers: ['Authorization', 'Bearer none'] }));
  });

  test('so does the answer to bytes that are no request', async () => {
    const storage = disk();
    await using ingress = await startIngress({ chapters: MODE('required'), beforeKeeping: storage.beforeKeeping });
    storage.full = true;
    assertUnavailable(await sendBytes(ingress.wire, Buffer.from('GET / HTTP/1.1\r\nno field\r\n\r\n')));
  });

  const head = (ingress: Ingress, version: string, ending: string): string =>
    `GET / HTTP/${version}\r\nHost: localhost\r\nAuthorization: Bearer ${ingress.token()}\r\n${ending}\r\n`;

  test('each of several requests on one connection gets its own 503', async () => {
    const storage = disk();
    await using ingress = await startIngress({ chapters: MODE('required'), beforeKeeping: storage.beforeKeeping });
    storage.full = true;
    const both = head(ingress, '1.1', '') + head(ingress, '1.1', 'Connection: close\r\n');
    const { raw } = await sendBytes(ingress.wire, Buffer.from(both));
    assert.equal(raw.match(/HTTP\/1\.1 503 /g)?.length, 2, raw);
    assert.ok(!raw.includes(' 200 '));
  });

  test('a client of HTTP/1.0 gets it too', async () => {
    const storage = disk();
    await using ingress = await startIngress({ chapters: MODE('required'), beforeKeeping: storage.beforeKeeping });
    storage.full = true;
    assertUnavailable(await sendBytes(ingress.wire, Buffer.from(head(ingress, '1.0', ''))));
  });

  const STREAMS: readonly (readonly [title: string, length: number | undefined])[] = [
    ['of known length', 200_000],
    ['in chunks', undefined],
  ];
  for (const [title, length] of STREAMS) {
    test(`an answer ${title} of which a part has left is cut, never whole`, async () => {
      const storage = disk();
      const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
      await using app = await startHandlerApp((_request, response) => {
        if (length !== undefined) response.setHeader('Content-Length', length);
        response.write('b'.repeat(100_000));
        void mayEnd.then(() => response.end('c'.repeat(100_000)));
      });
      await using ingress = await startIngress({
        chapters: MODE('required'),
        upstreamPort: app.port,
        beforeKeeping: storage.beforeKeeping,
      });
      storage.full = true;
      setTimeout(end, 50);
      const { status, body, headers } = await ingress.send();
      assert.equal(status, 200);
      if (length === undefined) assert.ok(!body.endsWith('0\r\n\r\n'), 'the last chunk is missing');
      else assert.ok(body.length < Number(headers['content-length']), `${body.length} bytes`);
    });
  }

  test('when there is room again, one 503 is recorded and the next request is served', async () => {
    const storage = disk();
    await using ingress = await startIngress({ chapters: MODE('required'), beforeKeeping: storage.beforeKeeping });
    storage.full = true;
    assertUnavailable(await ingress.send());
    storage.full = false;
    assertUnavailable(await ingress.send());
    assert.equal((await ingress.send()).status, 200);
    assert.deepEqual(
      ingress.sidecar.audit.map(({ code, status }) => [code, status]),
      [
        ['audit_unavailable', 503],
        [undefined, 200],
      ],
    );
    assert.match(ingress.sidecar.log(), /audit records cannot be kept[^]*audit records are kept again/);
  });
});

describe('what a process meets', { skip: process.platform === 'win32' }, () => {
  const root = mkdtempSync(path.join(tmpdir(), 'sidegate-full-'));
  after(() => rmSync(root, { recursive: true }));

  /** Calls of the local service, which the app answers with a secret. */
  async function start(app: HandlerApp, audit: string) {
    const config = path.join(root, 'config.yaml');
    writeFileSync(
      config,
      `service: { name: order-service }
audit: ${audit}
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets: { app: { url: "http://127.0.0.1:${app.port}" } }
  routes: [{ path_prefix: /, target: app }]
`,
    );
    const sidecar = await startSidecarProcess(['--config', config]);
    const port = Number(sidecar.listening?.egress?.split(':').at(-1));
    return { sidecar, send: () => sendRequest({ port }), [Symbol.asyncDispose]: () => sidecar[Symbol.asyncDispose]() };
  }
  const startApp = () => startHandlerApp((_request, response) => response.end('secret answer'));

  test('a full disk, /dev/full: required answers 503', { skip: process.platform !== 'linux' }, async () => {
    await using app = await startApp();
    await using full = await start(app, '{ mode: required, export: { file: { path: /dev/full } } }');
    const answer = await full.send();
    assertUnavailable(answer);
    assert.ok(!answer.raw.includes('secret answer'));
    assert.equal(await full.sidecar.end(), 0);
    assert.match(full.sidecar.stderr(), /ENOSPC/);
    assert.match(full.sidecar.stderr(), /audit records were lost/);
  });

  test('a reader of standard output that goes away: required answers 503, the process stays', async () => {
    await using app = await startApp();
    await using left = await start(app, '{ mode: required }');
    assert.equal((await left.send()).body, 'secret answer');
    left.sidecar.closeStdout();
    for (let i = 0; i < 3; i += 1) assertUnavailable(await left.send());
    assert.equal(await left.sidecar.end(), 0);
    assert.match(left.sidecar.stderr(), /EPIPE/);
  });

  test('a reader of standard output that goes away: best_effort serves, and tells at the end what was lost', async () => {
    await using app = await startApp();
    await using left = await start(app, '{ mode: best_effort }');
    left.sidecar.closeStdout();
    for (let i = 0; i < 3; i += 1) assert.equal((await left.send()).body, 'secret answer');
    assert.equal(await left.sidecar.end(), 0);
    assert.match(left.sidecar.stderr(), /"dropped":\{"stdout":3\}/);
  });
});

describe('with audit.mode best_effort and a full disk', () => {
  const dropped = async ({ sidecar }: Ingress): Promise<number> => {
    const { body } = await sendRequest({ port: sidecar.adminPort }, { target: '/metrics' });
    return Number(/^authz_audit_records_dropped_total\{sink="stdout"\} (\d+)$/m.exec(body)?.[1]);
  };

  test('requests are served, and their records are written when there is room again', async () => {
    const storage = disk();
    await using ingress = await startIngress({ chapters: MODE('best_effort'), beforeKeeping: storage.beforeKeeping });
    storage.full = true;
    for (let i = 0; i < 3; i += 1) assert.equal((await ingress.send({ target: `/${i}` })).status, 200);
    assert.equal(ingress.sidecar.audit.length, 0);
    storage.full = false;
    assert.equal((await ingress.send({ target: '/3' })).status, 200);
    await until(() => ingress.sidecar.audit.length === 4);
    assert.deepEqual(
      ingress.sidecar.audit.map((record) => record['path']),
      ['/0', '/1', '/2', '/3'],
    );
    assert.equal(await dropped(ingress), 0);
  });

  test('what does not fit into memory is counted: kept and dropped are all that was served', async () => {
    const storage = disk();
    await using ingress = await startIngress({ chapters: MODE('best_effort'), beforeKeeping: storage.beforeKeeping });
    storage.full = true;
    const target = `/${'a'.repeat(1_000)}`;
    const one = `GET ${target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ingress.token()}\r\n`;
    const sent = 600;
    const { raw } = await sendBytes(
      ingress.wire,
      Buffer.from(`${one}\r\n`.repeat(sent - 1) + `${one}Connection: close\r\n\r\n`),
    );
    assert.equal(raw.match(/HTTP\/1\.1 200 OK/g)?.length, sent);
    const lost = await dropped(ingress);
    assert.ok(lost > 0 && lost < sent, `${lost} of ${sent}`);
    storage.full = false;
    await ingress.send();
    await until(() => ingress.sidecar.audit.length + lost >= sent + 1);
    assert.equal(ingress.sidecar.audit.length + lost, sent + 1);
  });
});
