/** An authority as a process of its own, whose certificates prove clients at its token endpoint, and commands on its store beside it. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { authorityFolder } from '../support/authority.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { servicesRealm } from '../support/realms.ts';
import { sendRequest } from '../support/wire.ts';

const web = createTestAuthority('authority-CA');
const server = web.issue({ dns: ['localhost'], eku: ['serverAuth'] });

const settings = (zone: string) => ({
  baseUrl: 'https://localhost:8443',
  realms: [
    servicesRealm({
      clientId: 'stock-service',
      serviceAccountsEnabled: true,
      clientAuthenticatorType: 'client-x509',
      attributes: { 'x509.subjectdn': 'CN=stock-service, O=MyOrg', 'sidegate.zone': zone },
      defaultClientScopes: ['data-service:read'],
    }),
  ],
  more: `tls: { cert_file: server.crt, key_file: server.key }
ca: { trust_domain: example.org, zones: { zone1: {}, zone2: {} } }`,
});

async function folderFor(zone: string) {
  const folder = await authorityFolder(settings(zone));
  await folder.write('server.crt', server.certPem);
  await folder.write('server.key', server.keyPem);
  return folder;
}

test('an authority whose realm binds a client to a zone that it has not does not start', async () => {
  await using folder = await folderFor('zone3');
  await using authority = await folder.start();
  assert.equal(await authority.end(), 78);
  assert.match(authority.stderr(), /"sidegate\.zone": the authority has no zone "zone3"/);
});

test('a service with a certificate of the authority gets a token bound to it, and none once a command has revoked it', async () => {
  await using folder = await folderFor('zone2');
  await using authority = await folder.start();
  assert.ok(authority.url !== undefined, authority.stderr());
  const command = async (...args: readonly string[]) => {
    const { code, stderr } = await folder.command('ca', ...args);
    assert.equal(code, 0, stderr);
  };
  const ask = async (name: string) => {
    const [cert = '', key = ''] = await Promise.all(
      ['crt', 'key'].map((end) => readFile(folder.at(`${name}.${end}`), 'utf8')),
    );
    const { status, body } = await sendRequest(
      { port: authority.port, tls: { ca: web.certPem, cert, key } },
      {
        method: 'POST',
        target: '/realms/services/protocol/openid-connect/token',
        headers: ['Content-Type', 'application/x-www-form-urlencoded'],
        body: 'grant_type=client_credentials&client_id=stock-service',
      },
    );
    const { access_token: token } = JSON.parse(body) as { access_token?: string };
    if (token === undefined) return { status };
    const { cnf } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { cnf: object };
    const digest = new X509Certificate(cert).fingerprint256.replaceAll(':', '');
    return { status, bound: cnf, to: { 'x5t#S256': Buffer.from(digest, 'hex').toString('base64url') } };
  };
  await command('issue', '--service', 'stock-service', '--zone', 'zone1', '--out', folder.at('elsewhere'));
  assert.deepEqual(await ask('elsewhere'), { status: 401 });
  await command('issue', '--service', 'stock-service', '--zone', 'zone2', '--out', folder.at('stock'));
  const { status, bound, to } = await ask('stock');
  assert.deepEqual([status, bound], [200, to]);
  await command('rotate', 'add');
  await command('rotate', 'both');
  assert.equal((await ask('stock')).status, 200);
  await command('revoke', 'spiffe://example.org/zone2/stock-service');
  assert.deepEqual(await ask('stock'), { status: 401 });
});
