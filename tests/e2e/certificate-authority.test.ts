/** `sidegate ca` and `sidegate authority` as processes of their own: what an operator types, and what a service gets. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { type AuthorityFolder, authorityFolder } from '../support/authority.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { forgeRequest } from '../support/forged-requests.ts';
import { sendRequest } from '../support/wire.ts';

const CA = `ca:
  trust_domain: example.org
  zones:
    zone1: { dns_domains: [zone1.local] }
    zone2: { dns_domains: [zone2.local, order-service], ip_ranges: [127.0.0.0/8] }`;

async function ok(folder: AuthorityFolder, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await folder.command('ca', ...args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

const ORDER = ['--service', 'order-service', '--zone', 'zone2'] as const;

test('a command that cannot be carried out says why, changes nothing and exits as documented', async () => {
  await using folder = await authorityFolder({ more: CA });
  await using without = await authorityFolder();
  const rows: readonly (readonly [AuthorityFolder, readonly string[], number, RegExp])[] = [
    [without, ['list'], 78, /ca: is missing, so it issues no certificates/],
    [folder, ['token', '--service', 'order-service', '--zone', 'zone9'], 1, /the zones are zone1, zone2/],
    [folder, ['token', ...ORDER, '--dns', 'data.zone3.local'], 1, /"data\.zone3\.local" is not one of the zone zone2/],
    [folder, ['token', ...ORDER, '--profile', 'admin'], 64, /Allowed choices are svid, server, client/],
    [folder, ['issue', ...ORDER, '--csr', 'nowhere', '--out', folder.at('x')], 1, /nowhere cannot be read \(ENOENT\)/],
    [folder, ['rotate', 'both'], 1, /run "sidegate ca rotate add" first/],
    [folder, ['rotate', 'zone', 'zone9'], 1, /there is no zone zone9/],
    [folder, ['revoke', 'spiffe://example.org/zone2/nobody'], 1, /no certificate of .* is good now/],
  ];
  await ok(folder, 'init');
  for (const [where, args, code, message] of rows) {
    const result = await where.command('ca', ...args);
    assert.equal(result.code, code, args.join(' '));
    assert.match(result.stderr, message);
  }
  await folder.command('ca', 'issue', ...ORDER, '--out', folder.at('order'));
  const again = await folder.command('ca', 'issue', ...ORDER, '--out', folder.at('order'));
  assert.match(again.stderr, /order\.key cannot be written \(EEXIST\)/);
});

test('S2-10 certificates are made unattended, with the names that are asked for, and OpenSSL accepts them', async () => {
  await using folder = await authorityFolder({ more: CA });
  await ok(folder, 'init');
  const names = ['--dns', 'order-service.zone2.local', '--dns', 'order-service', '--ip', '127.0.0.1'];
  await ok(folder, 'issue', ...ORDER, ...names, '--valid-for', '90d', '--out', folder.at('order'));
  assert.equal((await stat(folder.at('order.key'))).mode & 0o777, 0o600);
  await writeFile(folder.at('request.pem'), forgeRequest());
  await ok(folder, 'issue', ...ORDER, '--csr', folder.at('request.pem'), '--out', folder.at('signed'));
  for (const name of ['order', 'signed']) {
    const options = [
      '-x509_strict',
      '-auth_level',
      '2',
      '-purpose',
      'sslserver',
      '-CAfile',
      folder.at(`${name}.ca.crt`),
    ];
    const files = ['-untrusted', folder.at(`${name}.crt`), folder.at(`${name}.crt`)];
    const { stdout, stderr } = spawnSync('openssl', ['verify', ...options, ...files], { encoding: 'utf8' });
    assert.match(stdout, /: OK/, stderr);
  }
  const certificate = new X509Certificate(await readFile(folder.at('order.crt')));
  assert.equal(certificate.checkHost('order-service'), 'order-service');
  assert.equal(certificate.checkHost('order-service.zone2.local'), 'order-service.zone2.local');
  const days = (certificate.validToDate.getTime() - Date.now()) / 86_400_000;
  assert.ok(days > 89.9 && days <= 90, String(days));
});

test('S4-090 what is there is listed with its dates; what is older than 90 days is said to be', async () => {
  await using folder = await authorityFolder({ more: CA });
  await ok(folder, 'init');
  await ok(folder, 'issue', ...ORDER, '--valid-for', '120d', '--out', folder.at('order'));
  const list = async (...args: readonly string[]) =>
    JSON.parse(await ok(folder, 'list', '--json', ...args)) as {
      certificates: { older_than_90_days: boolean; not_after: string; spiffe_id: string }[];
      authorities: { name: string; state: string }[];
    };
  const { certificates, authorities } = await list();
  assert.deepEqual(authorities.map(({ name, state }) => `${name} ${state}`).toSorted(), [
    'root active',
    'zone1 active',
    'zone2 active',
  ]);
  assert.deepEqual([certificates.length, certificates[0]?.older_than_90_days], [1, false]);
  assert.deepEqual((await list('--expiring', '30d')).certificates, []);
  const { DatabaseSync } = await import('node:sqlite');
  const store = new DatabaseSync(folder.at('authority.db'));
  store.exec('UPDATE certificates SET not_before = not_before - 91 * 86400000');
  store.close();
  assert.equal((await list()).certificates[0]?.older_than_90_days, true);
  assert.match(await ok(folder, 'list'), /older than 90 days/);
});

test('private keys of authorities are not readable in the store, and a process without their key does not start', async () => {
  await using folder = await authorityFolder({ more: CA });
  await ok(folder, 'init');
  const store = await readFile(folder.at('authority.db'));
  assert.ok(!store.includes('PRIVATE KEY'));
  const { DatabaseSync } = await import('node:sqlite');
  const opened = new DatabaseSync(folder.at('authority.db'));
  const rows = opened.prepare('SELECT sealed_key FROM authorities').all() as { sealed_key: string }[];
  opened.close();
  assert.equal(rows.length, 3);
  for (const { sealed_key } of rows) {
    const key = Buffer.from(sealed_key.split('.').at(-1) ?? '', 'base64url');
    assert.throws(() => createPrivateKey({ key, type: 'pkcs8', format: 'der' }));
  }
  await writeFile(folder.at('sealing.key'), randomBytes(32).toString('base64'));
  const process = await folder.start();
  assert.equal(process.url, undefined);
  assert.match(process.stderr(), /signing\.previous_encryption_key/);
});

test('a service enrols at the process with a token of the command, and is revoked by another', async () => {
  const web = createTestAuthority('authority-CA');
  const server = web.issue({ dns: ['localhost'], eku: ['serverAuth'] });
  await using folder = await authorityFolder({
    baseUrl: 'https://localhost:8443',
    more: `tls: { cert_file: server.crt, key_file: server.key }\n${CA}`,
  });
  await writeFile(folder.at('server.crt'), server.certPem);
  await writeFile(folder.at('server.key'), server.keyPem, { mode: 0o600 });
  await using authority = await folder.start();
  assert.notEqual(authority.url, undefined, authority.stderr());
  const wire = { port: authority.port, tls: { ca: web.certPem } };
  const join_token = (await ok(folder, 'token', ...ORDER)).trim();
  const answer = await sendRequest(wire, {
    method: 'POST',
    target: '/ca/enrol',
    headers: ['Content-Type', 'application/json'],
    body: JSON.stringify({ csr: forgeRequest(), join_token }),
  });
  assert.equal(answer.status, 200, answer.body);
  const { serial_number } = JSON.parse(answer.body) as { serial_number: string };
  await ok(folder, 'revoke', serial_number);
  const { body: crl } = await sendRequest(wire, { target: '/ca/crl' });
  await writeFile(folder.at('crl.pem'), crl);
  const printed = (crl.match(/-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g) ?? [])
    .map((input) => spawnSync('openssl', ['crl', '-noout', '-text'], { input, encoding: 'utf8' }).stdout)
    .join('');
  assert.match(printed, new RegExp(`Serial Number: ${serial_number}`, 'i'));
  assert.match(authority.stdout(), /"event":"certificate".*"decision":"issued"/);
  assert.ok(!authority.stdout().includes(join_token));
});
