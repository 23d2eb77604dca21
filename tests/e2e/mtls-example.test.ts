/** The example of mutual TLS, its certificates and its two programs, as its README says. */
import assert from 'node:assert/strict';
import { type ExecFileException, execFile, spawn, spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposable, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { freePort } from '../support/free-port.ts';
import { sendRequest } from '../support/wire.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SCRIPTS = path.join(ROOT, 'deploy/dev-certs');
const APPS = path.join(ROOT, 'examples/patterns/apps');
const NODE = ['--conditions=@sidegate/source'];

const stack = new AsyncDisposableStack();
let certs: string;
let others: string;
before(async () => {
  certs = stack.use(await mkdtempDisposable(path.join(tmpdir(), 'sidegate-mtls-'))).path;
  others = stack.use(await mkdtempDisposable(path.join(tmpdir(), 'sidegate-mtls-'))).path;
  for (const folder of [certs, others]) {
    run(folder, 'make-ca.sh');
    run(folder, 'make-service-cert.sh', { NAMES: 'DNS:service-b,DNS:localhost' }, 'service-b');
    run(folder, 'make-service-cert.sh', {}, 'service-a');
    run(folder, 'make-service-cert.sh', {}, 'service-c');
  }
});
after(() => stack.disposeAsync());

/** Nobody is there to answer: a question would end it. */
function run(cwd: string, script: string, env: Readonly<Record<string, string>> = {}, ...args: string[]): void {
  const options = { cwd, input: '', encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const { status, stderr } = spawnSync(path.join(SCRIPTS, script), args, options);
  assert.equal(status, 0, `${script}: ${stderr}`);
}

interface Started extends AsyncDisposable {
  readonly said: string;
}

async function startService(env: Readonly<Record<string, string>>): Promise<Started> {
  const child = spawn(process.execPath, [...NODE, path.join(APPS, 'mtls-service.ts')], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(createInterface(child.stdout), 'line')) as [string];
  return {
    said,
    async [Symbol.asyncDispose]() {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

const called = (env: Readonly<Record<string, string>>): Promise<string> =>
  new Promise((resolve) => {
    const done = (error: ExecFileException | null, stdout: string, stderr: string): void =>
      resolve(error === null ? stdout.trim() : stderr);
    execFile(process.execPath, [...NODE, path.join(APPS, 'mtls-caller.ts')], { env: { ...process.env, ...env } }, done);
  });

const read = async (folder: string, name: string): Promise<string> => readFile(path.join(folder, name), 'utf8');

test('S2-11 S2-12 S2-13 S2-15 S2-17 only a listed service with a certificate of the authority gets the data', async () => {
  const port = await freePort();
  await using service = await startService({ CERTS: certs, HOST: '127.0.0.1', PORT: String(port) });
  assert.equal(service.said, `listening on 127.0.0.1:${port}`);
  const ca = await read(certs, 'ca-cert.pem');
  const request = async (folder: string | undefined, name: string) => {
    const shown =
      folder === undefined
        ? {}
        : { cert: await read(folder, `${name}-cert.pem`), key: await read(folder, `${name}-key.pem`) };
    return sendRequest({ port, tls: { ca, servername: 'localhost', ...shown } }, { target: '/internal/data' });
  };
  await assert.rejects(request(undefined, ''), /alert|handshake|ECONNRESET|EPIPE|closed/i);
  await assert.rejects(request(others, 'service-a'), /alert|handshake|ECONNRESET|EPIPE|closed/i);
  assert.equal((await request(certs, 'service-c')).status, 403);
  const { status, body } = await request(certs, 'service-a');
  assert.deepEqual({ status, body }, { status: 200, body: '{"data":"sensitive"}' });

  const target = `https://localhost:${port}`;
  assert.match(await called({ CERTS: others, TARGET: target }), /upstream_tls|could not prove|certificate/i);
  assert.equal(await called({ CERTS: certs, TARGET: target }), '{"data":"sensitive"}');
});

test('S2-14 the address is configurable, and the port is 8443 when nobody says another', {
  skip: process.platform !== 'linux',
}, async () => {
  await using service = await startService({ CERTS: certs, HOST: '127.84.43.1' });
  assert.equal(service.said, 'listening on 127.84.43.1:8443');
  const source = await read(APPS, 'mtls-service.ts');
  assert.match(source, /HOST = '0\.0\.0\.0', PORT = '8443'/);
});

test('S2-18 the signing key stays with the service, and its public half is what others have', async () => {
  await using folder = await mkdtempDisposable(path.join(tmpdir(), 'sidegate-key-'));
  run(folder.path, 'make-signing-key.sh');
  const [secret, shared] = [await read(folder.path, 'private-key.pem'), await read(folder.path, 'public-key.pem')];
  assert.doesNotMatch(shared, /PRIVATE/);
  assert.equal(createPublicKey(secret).asymmetricKeyDetails?.modulusLength, 2048);
  assert.equal(
    createPublicKey(secret).export({ type: 'spki', format: 'pem' }),
    createPublicKey(shared).export({ type: 'spki', format: 'pem' }),
  );
  assert.equal((await stat(path.join(folder.path, 'private-key.pem'))).mode & 0o777, 0o600);
});
