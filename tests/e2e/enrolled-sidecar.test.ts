/** Sidecars that take their identity from the authority: processes, sockets and handshakes as in production. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createTestAuthority } from '../support/certificates.ts';
import { callOnce, startEnrolledSystem } from '../support/enrolled-sidecar.ts';
import { until } from '../support/until.ts';

const WAIT_MS = 40_000;

test('a sidecar whose join token is not good does not start, and says what to do', async () => {
  await using system = await startEnrolledSystem();
  await using refused = await system.sidecar({ service: 'order-service', validFor: '1h', token: 'guess' });
  assert.equal(refused.process.listening, undefined);
  assert.equal(await refused.process.end(), 78);
  assert.match(refused.process.stderr(), /authority: error: .*join_token_invalid.*sidegate ca token/);
});

test('S4-029 S4-088 S2-59 certificates are renewed again and again under load, and no request fails', async () => {
  await using system = await startEnrolledSystem();
  await using sidecar = await system.sidecar({ service: 'order-service', validFor: '1h' });
  assert.notEqual(sidecar.process.listening, undefined, sidecar.process.stderr());
  const caller = await system.caller('web');
  const bundle = await sidecar.file('bundle.pem');
  const serials = new Set<string>();
  const failures: unknown[] = [];
  let requests = 0;
  const end = performance.now() + WAIT_MS;
  const client = async (): Promise<void> => {
    while (performance.now() < end && (serials.size < 4 || requests < 100)) {
      requests += 1;
      try {
        const { serial, status } = await callOnce(sidecar.port, bundle, caller);
        serials.add(serial);
        if (status !== 200) failures.push(status);
      } catch (error) {
        failures.push(error);
      }
      await pause(20);
    }
  };
  // Whose authority signs no more is renewed at the next look, whatever is left of its life.
  const rotation = async (): Promise<void> => {
    while (performance.now() < end && serials.size < 4) {
      const { code, stderr } = await system.folder.command('ca', 'rotate', 'zone', 'zone2');
      assert.ok(code === 0 || /another authority of this zone waits/.test(stderr), stderr);
    }
  };
  await Promise.all([rotation(), client(), client()]);
  assert.deepEqual(failures, [], sidecar.process.stderr());
  assert.ok(requests >= 100 && serials.size >= 4, `${serials.size} certificates in ${requests} requests`);
});

test('S2-13 S4-014 S4-015 a caller of another authority, of none, or a revoked one fails the handshake, and the others do not', async () => {
  await using system = await startEnrolledSystem();
  await using sidecar = await system.sidecar({ service: 'order-service', validFor: '1h' });
  const [caller, kept] = [await system.caller('web'), await system.caller('kept')];
  const foreign = createTestAuthority('zone1-CA').issue({ uris: ['spiffe://example.org/zone1/web'] });
  const bundle = await sidecar.file('bundle.pem');
  assert.equal((await callOnce(sidecar.port, bundle, caller)).status, 200);
  await assert.rejects(callOnce(sidecar.port, bundle, foreign), /alert|ECONNRESET|ended without/);
  await assert.rejects(
    callOnce(sidecar.port, bundle, { certPem: '', keyPem: '' }),
    /alert|ECONNRESET|ended without|PEM/,
  );
  await assert.rejects(
    callOnce(sidecar.port, foreign.certPem, caller),
    /issuer|self-signed|verify/i,
    'and the caller refuses, too',
  );
  await system.ca('revoke', new X509Certificate(caller.certPem).serialNumber);
  const refusedAt = async (): Promise<boolean> =>
    callOnce(sidecar.port, bundle, caller).then(
      () => false,
      () => true,
    );
  for (const end = performance.now() + WAIT_MS; performance.now() < end && !(await refusedAt()); ) await pause(200);
  await assert.rejects(callOnce(sidecar.port, bundle, caller), /revoked|alert|ECONNRESET|ended without/);
  assert.equal((await callOnce(sidecar.port, bundle, kept)).status, 200);
});

test('an authority that is gone takes nothing with it: the identity stays, over a restart as well', async () => {
  await using system = await startEnrolledSystem();
  await using sidecar = await system.sidecar({ service: 'order-service', validFor: '1h' });
  const caller = await system.caller('web');
  const bundle = await sidecar.file('bundle.pem');
  await system.authority.kill();
  await until(() => /the identity stays/.test(sidecar.process.stderr()), WAIT_MS);
  assert.match(sidecar.process.stderr(), /the authority gave nothing new; the identity stays/);
  assert.equal((await callOnce(sidecar.port, bundle, caller)).status, 200);
  assert.equal(await sidecar.process.end(), 0);
  await using again = await sidecar.restart();
  assert.equal((await callOnce(again.port, bundle, caller)).status, 200);
});

test('S4-015 a root is replaced while sidecars serve: each step waits for them, none of them fails a call', async () => {
  await using system = await startEnrolledSystem();
  await using sidecar = await system.sidecar({ service: 'order-service', validFor: '2h', args: ['--workers', '2'] });
  assert.notEqual(sidecar.process.listening, undefined, sidecar.process.stderr());
  const before = await sidecar.file('bundle.pem');
  const first = await sidecar.file('svid.pem');
  const caller = await system.caller('web');
  const step = async (name: string): Promise<void> => {
    for (const end = performance.now() + WAIT_MS; ; await pause(300)) {
      const { code, stderr } = await system.folder.command('ca', 'rotate', name);
      if (code === 0) return;
      assert.ok(performance.now() < end, stderr);
    }
  };
  await step('add');
  await step('both');
  const both = await sidecar.file('bundle.pem');
  assert.ok(both.includes(before) && both.length > before.length);
  // Who called with a certificate of the old root goes on until it is retired.
  for (
    const end = performance.now() + WAIT_MS;
    performance.now() < end && (await sidecar.file('svid.pem')) === first;
  ) {
    assert.equal((await callOnce(sidecar.port, both, caller)).status, 200);
    await pause(100);
  }
  assert.notEqual(await sidecar.file('svid.pem'), first, 'renewed at once, two hours before its end');
  await system.ca('revoke', new X509Certificate(caller.certPem).serialNumber);
  await step('retire');
  const late = await system.caller('late');
  for (
    const end = performance.now() + WAIT_MS;
    performance.now() < end && (await sidecar.file('bundle.pem')) === both;
  )
    await pause(100);
  const after = await sidecar.file('bundle.pem');
  assert.ok(!after.includes(before) && both.includes(after));
  assert.equal((await callOnce(sidecar.port, after, late)).status, 200);
});

test('S4-015 a root does not sign while a sidecar has its bundle in the files and refuses to reload them', async () => {
  await using system = await startEnrolledSystem();
  await using sidecar = await system.sidecar({ service: 'order-service', validFor: '2h', args: ['--workers', '2'] });
  const before = await sidecar.file('bundle.pem');
  const rotate = (name: string) => system.folder.command('ca', 'rotate', name);
  await sidecar.reconfigure('nonsense: 1\n');
  await until(() => (sidecar.process.stderr().match(/not reloaded/g)?.length ?? 0) >= 2, WAIT_MS);
  await system.ca('rotate', 'add');
  await until(async () => (await sidecar.file('bundle.pem')) !== before, WAIT_MS);
  // Longer than it takes to follow, many times over.
  for (const end = performance.now() + 8_000; performance.now() < end; ) {
    const { code, stderr } = await rotate('both');
    assert.equal(code, 1);
    assert.match(stderr, /not everybody trusts the new root yet/);
  }
  await sidecar.reconfigure();
  await until(async () => (await rotate('both')).code === 0, WAIT_MS);
  const caller = await system.caller('web');
  assert.equal((await callOnce(sidecar.port, await sidecar.file('bundle.pem'), caller)).status, 200);
});
