/** curl as it is: mutual TLS, keep-alive, uploads that wait for 100 Continue and uploads in chunks; and what it is refused. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type OrderSidecar, startOrderSidecar } from '../security/order-sidecar.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { type Ended, type Folder, makeFolder, runProgram, withoutProgram } from './foreign-program.ts';

const LINE = `${'0123456789abcdef'.repeat(63)}\n`;
const UPLOAD = LINE.repeat(3 * 1024);
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
/** curl's own numbers: the peer's alert after the handshake, and an empty or reset reply. */
const REFUSED_CONNECTION = new Set([35, 52, 55, 56]);

describe('curl', { skip: withoutProgram('curl') }, () => {
  let order: OrderSidecar;
  let folder: Folder;
  before(async () => {
    order = await startOrderSidecar();
    folder = makeFolder();
    folder.file('ca.pem', order.zone.certPem);
    folder.pair('gateway', order.gateway);
    folder.pair('stranger', createTestAuthority('zone2-CA').issue({ subject: [{ CN: 'api-gateway-client' }] }));
  });
  after(async () => {
    folder?.[Symbol.dispose]();
    await order?.[Symbol.asyncDispose]();
  });

  interface Options {
    readonly as?: 'gateway' | 'stranger' | 'nobody';
    readonly token?: string;
    readonly args?: readonly string[];
    readonly paths?: readonly string[];
    readonly input?: readonly string[];
  }

  function curl({
    as = 'gateway',
    token = order.userToken(),
    args = [],
    paths = ['/orders'],
    input,
  }: Options): Promise<Ended> {
    const { ingressPort: port } = order.sidecar;
    const shown =
      as === 'nobody' ? [] : ['--cert', `${folder.directory}/${as}.crt`, '--key', `${folder.directory}/${as}.key`];
    const common = [
      '--silent',
      '--show-error',
      '--noproxy',
      '*',
      '--max-time',
      '30',
      '--cacert',
      `${folder.directory}/ca.pem`,
    ];
    const urls = paths.map((path) => `https://localhost:${port}${path}`);
    const where = ['--resolve', `localhost:${port}:127.0.0.1`, ...urls];
    return runProgram(
      'curl',
      [...common, ...shown, '--header', `Authorization: Bearer ${token}`, ...args, ...where],
      input,
    );
  }
  const STATUS = [
    '--write-out',
    '%{http_code} %{http_version} %{num_connects} %{size_upload}\n',
    '--output',
    '/dev/null',
  ];
  const lastBody = (): string => order.app.seen.at(-1)?.body ?? '';

  for (const as of ['nobody', 'stranger'] as const) {
    test(`as ${as} it gets no answer at all, and the app hears nothing`, async () => {
      const before = order.app.seen.length;
      const { code, stdout } = await curl({ as });
      assert.ok(REFUSED_CONNECTION.has(code ?? 0), String(code));
      assert.equal(stdout, '');
      assert.equal(order.app.seen.length, before);
    });
  }

  test('it refuses us when it trusts another authority', async () => {
    const other = folder.file('other.pem', createTestAuthority('zone2-CA').certPem);
    const { code } = await curl({ args: ['--cacert', other] });
    assert.equal(code, 60);
  });

  test('with a certificate and a token: 200, HTTP/1.1 also when it would rather speak HTTP/2', async () => {
    const { code, stdout, stderr } = await curl({ args: ['--http2', ...STATUS] });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '200 1.1 1 0\n');
  });

  test('one connection serves many requests, also behind a refusal', async () => {
    const { stdout } = await curl({
      args: [...STATUS, '--output', '/dev/null', '--output', '/dev/null'],
      paths: ['/a', '/forbidden', '/b'],
    });
    assert.equal(stdout, '200 1.1 1 0\n403 1.1 0 0\n200 1.1 0 0\n');
  });

  test('an upload waits for 100 Continue and arrives whole', async () => {
    const file = folder.file('upload.txt', UPLOAD);
    const expecting = ['--expect100-timeout', '20', '--header', 'Expect: 100-continue', '--upload-file', file];
    const { stdout, stderr } = await curl({ args: ['--verbose', ...expecting, ...STATUS] });
    assert.equal(stdout, `200 1.1 1 ${UPLOAD.length}\n`, stderr);
    assert.match(stderr, /< HTTP\/1\.1 100 Continue[^]*< HTTP\/1\.1 200/);
    assert.equal(digest(lastBody()), digest(UPLOAD));
  });

  test('an upload that is refused is never sent', async () => {
    const file = folder.file('upload.txt', UPLOAD);
    const before = order.app.seen.length;
    const { stdout, stderr } = await curl({
      token: 'not-a-token',
      args: [
        '--verbose',
        '--expect100-timeout',
        '20',
        '--header',
        'Expect: 100-continue',
        '--upload-file',
        file,
        ...STATUS,
      ],
    });
    assert.equal(stdout, '401 1.1 1 0\n', 'nothing of the body left');
    assert.doesNotMatch(stderr, /100 Continue/);
    assert.equal(order.app.seen.length, before);
  });

  test('another expectation is 417', async () => {
    const { stdout } = await curl({ args: ['--header', 'Expect: a-miracle', ...STATUS] });
    assert.match(stdout, /^417 /);
  });

  test('an upload in chunks arrives whole, and in chunks', async () => {
    const { stdout, stderr } = await curl({
      args: ['--request', 'POST', '--header', 'Transfer-Encoding: chunked', '--upload-file', '-', ...STATUS],
      input: [UPLOAD.slice(0, 100_000), UPLOAD.slice(100_000)],
    });
    assert.match(stdout, /^200 1\.1 1 /, stderr);
    assert.equal(digest(lastBody()), digest(UPLOAD));
  });

  test('chunks and a length in one request are refused, and the connection ends', async () => {
    const before = order.app.seen.length;
    const { stdout } = await curl({
      args: [
        '--header',
        'Transfer-Encoding: chunked',
        '--header',
        'Content-Length: 3',
        '--data-binary',
        'abc',
        ...STATUS,
      ],
    });
    assert.match(stdout, /^400 /);
    assert.equal(order.app.seen.length, before);
  });

  test('HEAD and a conditional GET end where they should', async () => {
    const { code, stdout } = await curl({ args: ['--head'], paths: ['/orders', '/orders'] });
    assert.equal(code, 0);
    assert.equal(stdout.match(/^HTTP\/1\.1 200/gm)?.length, 2);
  });
});
