/** What may be used once: in parallel, at another process on the same store, after a restart, and when there is no more room. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import type { KeycloakRealm } from '../../packages/sidegate/src/authority/issuer/keycloak-realm.ts';
import { authorityFolder } from '../support/authority.ts';
import type { IssuerProcess } from '../support/issuer-process.ts';
import { audienceMapper } from '../support/realms.ts';

const BASE_URL = 'http://127.0.0.1:8443';
const KEY = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const CLIENTS = 60;
/** The least that can be configured. */
const MAX_ENTRIES = 1_000;

/** Many clients with one key: each may fail for itself, so that no limit but the one of replays counts here. */
const REALM: KeycloakRealm = {
  realm: 'services',
  clients: Array.from({ length: CLIENTS }, (_, index) => ({
    clientId: `client-${index}`,
    serviceAccountsEnabled: true,
    clientAuthenticatorType: 'client-jwt',
    attributes: {
      'jwks.string': JSON.stringify({ keys: [{ ...KEY.publicKey.export({ format: 'jwk' }), kid: 'k1' }] }),
    },
    protocolMappers: [audienceMapper('data-service')],
  })),
};

function newAssertion(client: string): Promise<string> {
  return new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .setIssuer(client)
    .setSubject(client)
    .setAudience(`${BASE_URL}/realms/services`)
    .setIssuedAt()
    .setExpirationTime('4m')
    .sign(KEY.privateKey);
}

async function present(authority: IssuerProcess, assertion: string): Promise<{ status: number; error: string }> {
  const response = await fetch(`${authority.url}/realms/services/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    }),
  });
  const { error = '' } = (await response.json()) as { error?: string };
  return { status: response.status, error };
}

test('C-224 a jti replayed 100 times in parallel, at a second process and after a restart works once', async () => {
  await using folder = await authorityFolder({ realms: [REALM], baseUrl: BASE_URL });
  await using first = await folder.start();
  await using second = await folder.start();
  const assertion = await newAssertion('client-0');
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => [present(first, assertion), present(second, assertion)]).flat(),
  );
  const refused = answers.filter(({ status }) => status !== 200);
  assert.equal(refused.length, 99);
  assert.ok(
    refused.every(({ status }) => status === 401 || status === 429),
    JSON.stringify(refused),
  );
  await Promise.all([first.kill(), second.kill()]);
  await using restarted = await folder.start();
  assert.deepEqual(await present(restarted, assertion), { status: 401, error: 'invalid_client' });
});

test('C-224 when as many are remembered as may be, a new one is 503, and none that lives is forgotten', async () => {
  await using folder = await authorityFolder({
    realms: [REALM],
    baseUrl: BASE_URL,
    more: `replay: { max_entries: ${MAX_ENTRIES} }`,
  });
  await using authority = await folder.start();
  const used: string[] = [];
  for (let round = 0; used.length < MAX_ENTRIES; round += 1) {
    const assertions = await Promise.all(
      Array.from({ length: 50 }, (_, index) => newAssertion(`client-${(round + index) % CLIENTS}`)),
    );
    const answers = await Promise.all(assertions.map((assertion) => present(authority, assertion)));
    assert.ok(answers.every(({ status }) => status === 200));
    used.push(...assertions);
  }
  const full = await present(authority, await newAssertion('client-1'));
  assert.deepEqual(full, { status: 503, error: 'temporarily_unavailable' });
  for (const index of [0, 1, 500, 999]) {
    assert.equal((await present(authority, used[index] ?? '')).status, 401, `use ${index} again`);
  }
});
