/** A sidecar's identity against a real authority: enrolled once, renewed in time, never lost while the authority errs. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { HOUR_MS, ORDER_SERVICE, startEnrolment, type TestEnrolment } from '../../../../tests/support/enrolment.ts';
import { until } from '../../../../tests/support/until.ts';
import { addRoot, retireRoot, rotateZone, signWithNewRoot, signWithNewZones } from '../authority/enrolment/rotation.ts';
import { createHttpClient } from '../net/http-client.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createAuthorityClient } from './authority-client.ts';
import { type EnrolledIdentityOptions, keepEnrolledIdentity, NotEnrolled } from './enrolled-identity.ts';

interface Scene extends AsyncDisposable {
  readonly directory: string;
  /** Waits for whatever is due next, and for what it does; the delay that was asked for. */
  tick(): Promise<number>;
  readonly log: readonly string[];
  file(name: string): Promise<string>;
  /** What the processes of the sidecar serve with. */
  readonly serving: { sequence: number | undefined };
  readonly options: EnrolledIdentityOptions;
}

async function scene(
  enrolment: TestEnrolment,
  token: string | undefined,
  port = { number: enrolment.port },
): Promise<Scene> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sidegate-identity-'));
  const log: string[] = [];
  const serving: Scene['serving'] = { sequence: undefined };
  const tasks: { readonly delayMs: number; readonly task: () => void }[] = [];
  const options: EnrolledIdentityOptions = {
    directory,
    commonName: 'order-service',
    joinToken: () => token,
    timeoutMs: 2_000,
    inUse: () => serving.sequence,
    client: (held) =>
      createAuthorityClient({
        url: `https://localhost:${port.number}`,
        connect: (shown) =>
          createHttpClient({
            tls: { ca: enrolment.serverCa + (held?.bundle.pem ?? ''), ...shown },
            connectTo: new Map([[`localhost:${port.number}`, { address: '127.0.0.1', port: port.number }]]),
          }),
      }),
    clock: { now: () => enrolment.time.nowMs },
    random: () => 0.5,
    schedule: (delayMs, task) => {
      const entry = { delayMs, task };
      tasks.push(entry);
      return () => void tasks.splice(tasks.indexOf(entry), 1);
    },
    logger: createLogger(
      'order-service',
      new Writable({ write: (chunk, _, done) => (log.push(String(chunk)), done()) }),
    ),
  };
  return {
    directory,
    log,
    serving,
    options,
    tick: async () => {
      const [next] = tasks.splice(0, 1);
      assert.ok(next, 'something is scheduled');
      next.task();
      await until(() => tasks.length > 0);
      return next.delayMs;
    },
    file: (name) => readFile(path.join(directory, name), 'utf8'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

const certificateOf = async (at: Scene): Promise<X509Certificate> => new X509Certificate(await at.file('svid.pem'));

test('without a join token, with one that is refused, and without an authority nothing is written', async () => {
  await using enrolment = await startEnrolment();
  for (const [token, port, reason] of [
    [undefined, enrolment.port, /there is no join token/],
    ['guess', enrolment.port, /this join token cannot be used \(join_token_invalid\)/],
    ['any', 1, /ECONNREFUSED/],
  ] as const) {
    await using at = await scene(enrolment, token, { number: port });
    // Time passes only as the test says, so a retry is the end of it.
    const options = { ...at.options, timeoutMs: 0 };
    await assert.rejects(
      keepEnrolledIdentity(options),
      (error) => error instanceof NotEnrolled && reason.test(error.message),
    );
    await assert.rejects(at.file('svid.pem'), /ENOENT/);
  }
});

test('the first start enrols, and the next one uses what is there, with the authority gone', async () => {
  const enrolment = await startEnrolment();
  await using at = await scene(enrolment, await enrolment.token());
  {
    await using _kept = await keepEnrolledIdentity(at.options);
  }
  const certificate = await certificateOf(at);
  assert.match(certificate.subjectAltName ?? '', /URI:spiffe:\/\/example\.org\/zone2\/order-service/);
  assert.match(await at.file('svid_key.pem'), /BEGIN PRIVATE KEY/);
  assert.match(await at.file('bundle.pem'), /BEGIN CERTIFICATE/);
  assert.equal((await at.file('crl.pem')).match(/BEGIN X509 CRL/g)?.length, 3);
  await enrolment[Symbol.asyncDispose]();
  await using _again = await keepEnrolledIdentity(at.options);
  await at.tick();
  assert.match(at.log.at(-1) ?? '', /the authority gave nothing new; the identity stays/);
  assert.equal((await certificateOf(at)).serialNumber, certificate.serialNumber);
});

test('S4-088 a certificate is renewed between two thirds and three quarters of its life, with a new key', async () => {
  await using enrolment = await startEnrolment();
  await using at = await scene(enrolment, await enrolment.token());
  await using _kept = await keepEnrolledIdentity(at.options);
  const first = await certificateOf(at);
  enrolment.time.nowMs += 16 * HOUR_MS;
  await at.tick();
  assert.equal((await certificateOf(at)).serialNumber, first.serialNumber, 'others renew first, it in its turn');
  enrolment.time.nowMs += 2 * HOUR_MS;
  await at.tick();
  const second = await certificateOf(at);
  assert.notEqual(second.serialNumber, first.serialNumber);
  assert.ok(!second.publicKey.equals(first.publicKey));
  assert.equal(second.subjectAltName, first.subjectAltName);
  assert.ok(at.log.some((line) => line.includes('the certificate was renewed')));
});

for (const seconds of [6, 30, 179]) {
  test(`S4-088 a certificate for ${seconds} seconds is renewed when two thirds of them are over, and not at every look`, async () => {
    await using enrolment = await startEnrolment();
    await using at = await scene(enrolment, await enrolment.token({ ...ORDER_SERVICE, validForMs: seconds * 1_000 }));
    await using _kept = await keepEnrolledIdentity(at.options);
    const first = await certificateOf(at);
    const began = enrolment.time.nowMs;
    for (const share of [0, 0.2, 0.4]) {
      enrolment.time.nowMs = began + share * seconds * 1_000;
      assert.ok((await at.tick()) >= 100);
      assert.equal((await certificateOf(at)).serialNumber, first.serialNumber);
    }
    enrolment.time.nowMs = began + 0.75 * seconds * 1_000;
    await at.tick();
    assert.notEqual((await certificateOf(at)).serialNumber, first.serialNumber);
  });
}

test('certificate and key change at once, by one rename, and old ones do not pile up', async () => {
  await using enrolment = await startEnrolment();
  await using at = await scene(enrolment, await enrolment.token());
  await using _kept = await keepEnrolledIdentity(at.options);
  const versions = new Set<string>();
  for (let renewal = 0; renewal < 4; renewal += 1) {
    assert.equal(await readlink(path.join(at.directory, 'svid.pem')), path.join('..data', 'svid.pem'));
    versions.add(await readlink(path.join(at.directory, '..data')));
    enrolment.time.nowMs += 18 * HOUR_MS;
    await at.tick();
  }
  assert.equal(versions.size, 4);
  const { readdir } = await import('node:fs/promises');
  assert.equal((await readdir(at.directory)).filter((name) => name.startsWith('..v-')).length, 2);
});

test('what the authority refuses, or answers wrongly, changes nothing, and is asked for again a little later', async () => {
  await using enrolment = await startEnrolment();
  await using at = await scene(enrolment, await enrolment.token());
  await using _kept = await keepEnrolledIdentity(at.options);
  const first = await certificateOf(at);
  await enrolment.ca.revoke({ spiffeId: 'spiffe://example.org/zone2/order-service' });
  enrolment.time.nowMs += 18 * HOUR_MS;
  const delays = [await at.tick(), await at.tick(), await at.tick()];
  assert.match(at.log.at(-1) ?? '', /refused: this certificate was revoked \(certificate_revoked\)/);
  assert.ok((delays[1] ?? 0) < (delays[2] ?? 0), 'later and later');
  assert.equal((await certificateOf(at)).serialNumber, first.serialNumber);
  assert.ok(!at.log.join('').includes('PRIVATE KEY'));
});

test('an identity that expired while nobody was there is replaced with another join token', async () => {
  await using enrolment = await startEnrolment();
  await using at = await scene(enrolment, await enrolment.token());
  {
    await using _kept = await keepEnrolledIdentity(at.options);
  }
  enrolment.time.nowMs += 25 * HOUR_MS;
  await assert.rejects(keepEnrolledIdentity(at.options), /join_token_invalid/);
  const token = await enrolment.token();
  await using _again = await keepEnrolledIdentity({ ...at.options, joinToken: () => token });
  assert.ok((await certificateOf(at)).validToDate.getTime() > enrolment.time.nowMs);
});

test('root and zone rotate under an enrolled identity, which reports and renews by itself', async () => {
  await using enrolment = await startEnrolment();
  await using at = await scene(enrolment, await enrolment.token());
  await using _kept = await keepEnrolledIdentity(at.options);
  const roots = async () => (await at.file('bundle.pem')).match(/BEGIN CERTIFICATE/g)?.length;
  const first = await certificateOf(at);
  /** Its processes have taken over what is in its files. */
  const takenOver = async (): Promise<void> => {
    at.serving.sequence = (JSON.parse(await at.file('state.json')) as { sequence: number }).sequence;
    await at.tick();
  };
  await takenOver();
  enrolment.time.nowMs += 60_000;
  await addRoot(enrolment.ca);
  await assert.rejects(signWithNewRoot(enrolment.ca), /not everybody trusts the new root yet/);
  await at.tick();
  assert.equal(await roots(), 2);
  await at.tick();
  enrolment.time.nowMs += 60_000;
  await at.tick();
  await assert.rejects(signWithNewRoot(enrolment.ca), /not everybody/, 'it has the bundle, with which nobody serves');
  await takenOver();
  await signWithNewRoot(enrolment.ca);
  await at.tick();
  const second = await certificateOf(at);
  assert.notEqual(second.issuer, first.issuer);
  await assert.rejects(retireRoot(enrolment.ca), /still in use/);
  await at.tick();
  await retireRoot(enrolment.ca);
  await at.tick();
  assert.equal(await roots(), 1);
  const zone = enrolment.ca.options.trustDomain.zones.find(({ name }) => name === ORDER_SERVICE.zone);
  assert.ok(zone);
  enrolment.time.nowMs += 60_000;
  await rotateZone(enrolment.ca, zone);
  await at.tick();
  assert.equal((await certificateOf(at)).issuer, second.issuer);
  enrolment.time.nowMs += 60_000;
  await at.tick();
  assert.equal((await signWithNewZones(enrolment.ca)).length, 0, 'nobody serves with its list yet');
  await takenOver();
  assert.equal((await signWithNewZones(enrolment.ca)).length, 1);
  await at.tick();
  assert.notEqual((await certificateOf(at)).issuer, second.issuer);
});

test('a file of somebody else in its directory is not overwritten', async () => {
  await using enrolment = await startEnrolment();
  await using at = await scene(enrolment, await enrolment.token());
  await writeFile(path.join(at.directory, 'svid_key.pem'), 'mine');
  await assert.rejects(keepEnrolledIdentity({ ...at.options, timeoutMs: 0 }), /svid_key\.pem is there already/);
  assert.equal(await at.file('svid_key.pem'), 'mine');
});
