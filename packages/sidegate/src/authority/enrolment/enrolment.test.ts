/** What the authority hands out beside OpenSSL: chains, bundles and revocation lists, over real sockets. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { HOUR_MS, ORDER_SERVICE, startEnrolment, type TestEnrolment } from '../../../../../tests/support/enrolment.ts';
import { sendRequest } from '../../../../../tests/support/wire.ts';
import { listen } from '../../net/listener.ts';

/** What OpenSSL says about the first certificate of a chain, with revocation lists for every authority of it. */
async function opensslVerdict(chain: string, bundle: string, crl: string, purpose: string): Promise<string> {
  await using directory = await mkdtempDisposable(path.join(tmpdir(), 'sidegate-enrolment-'));
  const file = (name: string): string => path.join(directory.path, name);
  await Promise.all([
    writeFile(file('chain.pem'), chain),
    writeFile(file('bundle.pem'), bundle),
    writeFile(file('crl.pem'), crl),
  ]);
  const options = ['-x509_strict', '-auth_level', '2', '-crl_check_all', '-purpose', purpose];
  const files = ['-CAfile', 'bundle.pem', '-CRLfile', 'crl.pem', '-untrusted', 'chain.pem', 'chain.pem'];
  const { stdout, stderr } = spawnSync('openssl', ['verify', ...options, ...files], {
    cwd: directory.path,
    encoding: 'utf8',
  });
  return stdout.includes('chain.pem: OK') ? 'OK' : (/error \d+ at \d+ depth lookup: (.+)/.exec(stderr)?.[1] ?? stderr);
}

const bodyOf = async (enrolment: TestEnrolment, target: string): Promise<string> => {
  const answer = await enrolment.get(target);
  assert.equal(answer.status, 200, `${target}: ${answer.body}`);
  return answer.body;
};

test('a revoked certificate is refused by OpenSSL with the lists of the authority, every other one is accepted', async () => {
  await using enrolment = await startEnrolment();
  const [revoked, kept, client, server] = [
    await enrolment.enrol(),
    await enrolment.enrol(),
    await enrolment.enrol({ ...ORDER_SERVICE, profile: 'client', dnsNames: [], ipAddresses: [] }),
    await enrolment.enrol({ ...ORDER_SERVICE, profile: 'server' }),
  ];
  const bundle = await bodyOf(enrolment, '/ca/bundle.pem');
  const before = await bodyOf(enrolment, '/ca/crl');
  for (const { certPem } of [revoked, kept]) {
    for (const purpose of ['sslserver', 'sslclient']) {
      assert.equal(await opensslVerdict(certPem, bundle, before, purpose), 'OK');
    }
  }
  await enrolment.ca.revoke({ serialNumber: String(revoked.body['serial_number']) });
  const crl = await bodyOf(enrolment, '/ca/crl');
  assert.equal(await opensslVerdict(revoked.certPem, bundle, crl, 'sslclient'), 'certificate revoked');
  assert.equal(await opensslVerdict(kept.certPem, bundle, crl, 'sslserver'), 'OK');
  assert.equal(await opensslVerdict(client.certPem, bundle, crl, 'sslclient'), 'OK');
  assert.equal(await opensslVerdict(server.certPem, bundle, crl, 'sslserver'), 'OK');
  assert.notEqual(await opensslVerdict(client.certPem, bundle, crl, 'sslserver'), 'OK');
  assert.notEqual(await opensslVerdict(server.certPem, bundle, crl, 'sslclient'), 'OK');
});

test('S4-014 the list keeps a revoked certificate out of a handshake, and lets the others in', async () => {
  await using enrolment = await startEnrolment();
  const [server, revoked, kept] = [await enrolment.enrol(), await enrolment.enrol(), await enrolment.enrol()];
  await enrolment.ca.revoke({ serialNumber: String(revoked.body['serial_number']) });
  const bundle = await bodyOf(enrolment, '/ca/bundle.pem');
  const lists =
    (await bodyOf(enrolment, '/ca/crl')).match(/-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g) ?? [];
  assert.equal(lists.length, 3, 'one of the root, one of each zone');
  const listener = await listen(
    {
      host: '127.0.0.1',
      port: 0,
      readTimeoutMs: 5_000,
      writeTimeoutMs: 5_000,
      idleTimeoutMs: 5_000,
      maxHeaderBytes: 8_192,
      tls: { cert: server.certPem, key: server.keyPem, clientAuth: 'require', clientCa: bundle, clientCrl: lists },
    },
    {
      request: (_request, reply) => {
        reply.head(204, '', 0);
        reply.end();
        return { aborted: () => undefined, broken: () => undefined };
      },
      malformed: () => undefined,
      handshakeFailed: () => undefined,
      mayStay: () => true,
    },
  );
  const call = (shown: { readonly certPem: string; readonly keyPem: string }) =>
    sendRequest({
      port: listener.address.port,
      tls: { ca: bundle, cert: shown.certPem, key: shown.keyPem, servername: 'order-service.zone2.local' },
    });
  assert.equal((await call(kept)).status, 204);
  await assert.rejects(call(revoked), /revoked|ECONNRESET|closed/i);
  await listener.close(0);
});

test('a list is one that OpenSSL reads: signed by its authority, with a number that rises, current for its time', async () => {
  await using enrolment = await startEnrolment({ crlValidForMs: HOUR_MS });
  const { body } = await enrolment.get('/ca/crl');
  const [first = ''] = body.match(/-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/) ?? [];
  const { stdout } = spawnSync('openssl', ['crl', '-noout', '-text'], { input: first, encoding: 'utf8' });
  assert.match(stdout, /Version 2 \(0x1\)/);
  assert.match(stdout, /X509v3 CRL Number/);
  assert.match(stdout, /X509v3 Authority Key Identifier/);
  assert.match(stdout, /No Revoked Certificates/);
  assert.equal((await enrolment.get('/ca/crl')).body, body, 'the same while nothing changes');
  enrolment.time.nowMs += HOUR_MS / 2;
  assert.notEqual((await enrolment.get('/ca/crl')).body, body, 'a new one before the old one ends');
  const authorities = enrolment.database.query<{ id: string }>('SELECT id FROM authorities');
  for (const { id } of await authorities) {
    const answer = await enrolment.get(`/ca/crl/${id}`);
    assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/pkix-crl']);
  }
  assert.equal((await enrolment.get('/ca/crl/nobody')).status, 404);
});

test('the bundle is a document of SPIFFE: roots with their certificates, a sequence and when to look again', async () => {
  await using enrolment = await startEnrolment();
  const answer = await enrolment.get('/ca/bundle');
  const bundle = JSON.parse(answer.body) as Record<string, unknown> & { keys: Record<string, string>[] };
  assert.deepEqual([bundle['spiffe_sequence'], bundle['spiffe_refresh_hint'], answer.headers['etag']], [1, 300, '"1"']);
  assert.equal(bundle.keys.length, 1);
  const [key] = bundle.keys;
  assert.deepEqual([key?.['use'], key?.['kty'], Object.hasOwn(key ?? {}, 'd')], ['x509-svid', 'EC', false]);
  const root = new X509Certificate(Buffer.from(key?.['x5c']?.[0] ?? '', 'base64'));
  assert.ok(root.ca && root.verify(root.publicKey));
  assert.equal(await bodyOf(enrolment, '/ca/bundle.pem'), root.toString());
  const same = await enrolment.get('/ca/bundle', { headers: ['If-None-Match', '"1"'] });
  assert.deepEqual([same.status, same.body], [304, '']);
  assert.equal((await enrolment.get('/ca/bundle', { headers: ['If-None-Match', '"0"'] })).status, 200);
});

test('S4-090 a certificate lives for a day, from a minute before it was made, unless less is asked for', async () => {
  await using enrolment = await startEnrolment();
  const { certPem } = await enrolment.enrol();
  const { validFromDate, validToDate } = new X509Certificate(certPem);
  const seconds = Math.floor(enrolment.time.nowMs / 1000);
  assert.equal(validFromDate.getTime(), (seconds - 60) * 1000);
  assert.equal(validToDate.getTime(), (seconds + 86_400) * 1000);
});

test('bundles of other trust domains are served as they were published', async () => {
  const theirs = Buffer.from('{"keys":[]}');
  await using enrolment = await startEnrolment({
    federated: () => new Map([['partner.example', theirs]]),
  });
  assert.equal(await bodyOf(enrolment, '/ca/bundles/partner.example'), '{"keys":[]}');
  for (const path of ['/ca/bundles/nobody.example', '/ca/bundles/', '/ca', '/ca/enrol/', '/ca/__proto__']) {
    assert.equal((await enrolment.get(path)).status, 404, path);
  }
  assert.equal((await enrolment.get('/ca/enrol')).status, 405);
});
