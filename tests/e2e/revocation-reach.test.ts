/** How long a revocation takes from an authority to its sidecars, with the real `sidegate authority` as a process of its own. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import https from 'node:https';
import { test } from 'node:test';
import { authorityFolder } from '../support/authority.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { bytes, startJwksServer } from '../support/jwks-server.ts';
import { ORDER_SECRET, servicesRealm } from '../support/realms.ts';
import { ORDER_ID, startFollowingSidecar } from '../support/revoking-authority.ts';

const SIDECARS = 8;
const ROUNDS = 5;
const MAX_MEDIAN_MS = 2_000;
const realm = servicesRealm({ clientId: 'operations', secret: 'canary-operations', serviceAccountsEnabled: true });

test(`a revocation reaches ${SIDECARS} sidecars within two seconds, median of all, through an authority that keeps it first`, async (t) => {
  const ca = createTestAuthority('zone-CA');
  const server = ca.issue({ dns: ['keycloak.example.com'], eku: ['serverAuth'] });
  await using folder = await authorityFolder({
    realms: [realm],
    baseUrl: 'https://keycloak.example.com',
    more: `tls: { cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt }
administrators: { clients: [operations] }`,
  });
  await Promise.all([
    writeFile(folder.at('server.crt'), server.certPem),
    writeFile(folder.at('server.key'), server.keyPem, { mode: 0o600 }),
    writeFile(folder.at('ca.crt'), ca.certPem),
  ]);
  await using authority = await folder.start();
  const ask = (target: string, parameters?: Readonly<Record<string, string>>): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      const where = { host: '127.0.0.1', port: authority.port, servername: 'keycloak.example.com', ca: ca.certPem };
      const method = parameters === undefined ? 'GET' : 'POST';
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      https
        .request({ ...where, path: `/realms/services${target}`, method, headers, agent: false }, (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          answer.on('end', () => resolve(JSON.parse(text) as Record<string, unknown>));
        })
        .on('error', reject)
        .end(parameters && new URLSearchParams(parameters).toString());
    });
  const keys = await ask('/protocol/openid-connect/certs');
  await using jwks = await startJwksServer(bytes(JSON.stringify(keys)));
  const order = { client_id: 'order-service', client_secret: ORDER_SECRET };
  const tokenOf = async (): Promise<string> =>
    String(
      (await ask('/protocol/openid-connect/token', { grant_type: 'client_credentials', ...order }))['access_token'],
    );

  await using sidecars = new AsyncDisposableStack();
  const following = await Promise.all(
    Array.from({ length: SIDECARS }, () => startFollowingSidecar({ ca, jwks, port: authority.port })),
  );
  for (const each of following) sidecars.use(each);

  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const token = await tokenOf();
    for (const each of following) assert.equal(await each.outcome(token), 200);
    const revoking = ask('/protocol/openid-connect/revoke', { ...order, token });
    times.push(...(await Promise.all(following.map((each) => each.becomes('token_revoked', token)))));
    assert.deepEqual(await revoking, {});
  }
  const admin = { client_id: 'operations', client_secret: 'canary-operations' };
  const token = await tokenOf();
  const revoking = ask('/revocations', { ...admin, spiffe_id: ORDER_ID });
  times.push(...(await Promise.all(following.map((each) => each.becomes('peer_revoked', token)))));
  await revoking;

  const sorted = times.toSorted((one, other) => one - other);
  const [median = 0, slowest = 0] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  t.diagnostic(
    `a revocation reaches ${SIDECARS} sidecars: median ${median.toFixed(0)} ms, slowest of ${times.length} ${slowest.toFixed(0)} ms`,
  );
  assert.ok(median <= MAX_MEDIAN_MS, `median ${median} ms`);
});
