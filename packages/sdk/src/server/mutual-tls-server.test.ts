/** A server that asks for certificates, while its own are renewed. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { createTestAuthority } from '../../../../tests/support/certificates.ts';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { until } from '../../../../tests/support/until.ts';
import { serviceClient } from '../client/index.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { identityFromFiles, identityFromPem, mutualTlsServer } from './index.ts';

const ca = createTestAuthority('internal-CA');
const caller = ca.issue({ subject: [{ CN: 'order-service' }] });

async function scene() {
  const certs = await mkdtemp(path.join(tmpdir(), 'sidegate-server-'));
  const at = (name: string): string => path.join(certs, name);
  const renew = async (commonName: string): Promise<void> => {
    const { certPem, keyPem } = ca.issue({ subject: [{ CN: commonName }], eku: ['serverAuth'], dns: ['localhost'] });
    await writeFile(at('inventory-service-cert.pem'), certPem);
    await writeFile(at('inventory-service-key.pem'), keyPem);
  };
  await writeFile(at('ca-cert.pem'), ca.certPem);
  await renew('first');
  const time = manualTime();
  const runtime = { ...systemRuntime(), ...time };
  const identity = identityFromFiles({
    cert: at('inventory-service-cert.pem'),
    key: at('inventory-service-key.pem'),
    ca: at('ca-cert.pem'),
    runtime,
  });
  const { options, follow } = await mutualTlsServer(identity, { runtime });
  const server = createServer(options, (_, response) => response.end('{"reached":true}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const unfollow = follow(server);
  const { port } = server.address() as AddressInfo;
  return {
    options,
    at,
    renew,
    time,
    unfollow,
    target: `https://localhost:${port}`,
    /** The name that a new connection sees. */
    seen: () =>
      new Promise<string>((resolve, reject) => {
        const shown = { cert: caller.certPem, key: caller.keyPem, ca: ca.certPem };
        const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...shown }, () => {
          const { subject } = socket.getPeerCertificate() as DetailedPeerCertificate;
          socket.destroy();
          resolve(String(subject.CN));
        });
        socket.on('error', reject);
      }),
    async [Symbol.asyncDispose]() {
      unfollow();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(certs, { recursive: true });
    },
  };
}

test('a server without authorities of its own is not made: it would take clients of public ones', async () => {
  const { certPem: cert, keyPem: key } = ca.issue({});
  await assert.rejects(mutualTlsServer(identityFromPem({ cert, key })), { name: 'TypeError', message: /has no ca/ });
});

test('S4-020 S4-021 S4-022 key, certificate and authorities come from files; a client without their certificate is refused', async () => {
  await using at = await scene();
  assert.deepEqual([at.options.requestCert, at.options.rejectUnauthorized], [true, true]);
  const foreign = createTestAuthority('public-CA').issue({ subject: [{ CN: 'order-service' }] });
  const credentials = { kind: 'test', authorize: () => Promise.resolve({}), refused: () => {}, close: () => {} };
  for (const [shown, reached] of [
    [undefined, false],
    [foreign, false],
    [caller, true],
  ] as const) {
    const proof =
      shown === undefined
        ? { credentials }
        : { identity: identityFromPem({ cert: shown.certPem, key: shown.keyPem, ca: ca.certPem }) };
    const client = serviceClient({ target: at.target, ca: ca.certPem, retries: 0, ...proof });
    if (reached) assert.equal(JSON.stringify(await client.json('/')), '{"reached":true}');
    else await assert.rejects(client.json('/'), { name: 'Problem', code: /upstream_(?:tls|unreachable)/ });
    await client.close();
  }
});

test('S4-029 a renewed certificate is shown without a restart, a half-written pair never', async () => {
  await using at = await scene();
  assert.equal(await at.seen(), 'first');
  await writeFile(at.at('inventory-service-key.pem'), caller.keyPem);
  at.time.advance(1_000);
  await until(() => at.time.pending().length > 0);
  assert.equal(await at.seen(), 'first');
  await at.renew('second');
  at.time.advance(1_000);
  await until(async () => (await at.seen()) === 'second');
  assert.equal(await at.seen(), 'second');
  await until(() => at.time.pending().length > 0);
  at.unfollow();
  assert.deepEqual(at.time.pending(), []);
});
