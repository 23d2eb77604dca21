/** The authority is killed, its keys follow each other, and nobody who got an answer loses what it said. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { decodeJwt, SignJWT } from 'jose';
import type { KeycloakClient } from '../../packages/sidegate/src/authority/issuer/keycloak-realm.ts';
import { storedTokens } from '../../packages/sidegate/src/authority/store/issued-tokens.ts';
import { openSqlite } from '../../packages/sidegate/src/authority/store/sqlite.ts';
import { authorityFolder } from '../support/authority.ts';
import { freePort } from '../support/free-port.ts';
import type { IssuerProcess } from '../support/issuer-process.ts';
import { audienceMapper, ORDER_SECRET, servicesRealm } from '../support/realms.ts';
import { row } from './row.ts';
import { count } from './scale.ts';

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const REPORTING = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
/** How many ask at the same time. */
const ASKERS = 8;

const clients: KeycloakClient[] = [
  {
    clientId: 'reporting',
    serviceAccountsEnabled: true,
    clientAuthenticatorType: 'client-jwt',
    attributes: {
      'jwks.string': JSON.stringify({ keys: [{ ...REPORTING.publicKey.export({ format: 'jwk' }), kid: 'r1' }] }),
    },
    protocolMappers: [audienceMapper('data-service')],
  },
  { clientId: 'reader', serviceAccountsEnabled: true, secret: 'secret-of-reader' },
];
const realm = servicesRealm(...clients);
const [orderService, ...others] = realm.clients ?? [];
/** Its tokens are for whoever introspects them here as well. */
const order = { ...orderService, protocolMappers: [audienceMapper('reader')] } as KeycloakClient;

interface Answered {
  readonly tokens: string[];
  readonly revoked: Set<string>;
  readonly usedAssertions: string[];
}

row(
  'kill -9 of the authority during issuance: no answered token is unknown, no revoked one works, no assertion works twice',
  async (note) => {
    const port = await freePort();
    const issuer = `http://127.0.0.1:${port}/realms/services`;
    await using folder = await authorityFolder({
      realms: [{ ...realm, clients: [order, ...others] }],
      baseUrl: `http://127.0.0.1:${port}`,
    });
    const answered: Answered = { tokens: [], revoked: new Set(), usedAssertions: [] };
    const kills = count(20, 3);
    let sent = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      await using authority = await folder.start('--addr', `127.0.0.1:${port}`);
      const killed = new AbortController();
      const askers = Array.from({ length: ASKERS }, async (_, asker) => {
        while (!killed.signal.aborted) {
          sent += 1;
          await askOnce(issuer, asker % 2 === 0, answered).catch(() => undefined);
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 300 + 50 * (kill % 5)));
      await authority.kill();
      killed.abort();
      await Promise.all(askers);
    }

    await using authority = await folder.start('--addr', `127.0.0.1:${port}`);
    const unknown = await unknownTokens(folder.at('authority.db'), answered.tokens);
    const wrong = await wronglyAnswered(authority, issuer, answered);
    const again = await Promise.all(answered.usedAssertions.slice(-50).map((assertion) => present(issuer, assertion)));
    const worked = again.filter(({ status }) => status === 200).length;
    note({
      sent,
      failed: unknown + wrong + worked,
      figure: `${kills} kills, ${answered.tokens.length} tokens answered, ${answered.revoked.size} revoked, ${answered.usedAssertions.length} assertions used`,
    });
    assert.deepEqual([unknown, wrong, worked], [0, 0, 0]);
    assert.ok(answered.tokens.length > kills && answered.revoked.size > 0 && answered.usedAssertions.length > 0);
  },
);

/** A token by secret, every other one taken back; or a token by an assertion. What was answered is remembered. */
async function askOnce(issuer: string, bySecret: boolean, answered: Answered): Promise<void> {
  if (!bySecret) {
    const assertion = await newAssertion(issuer);
    const response = await present(issuer, assertion);
    if (response.status === 200) answered.usedAssertions.push(assertion);
    return;
  }
  const credentials = { client_id: 'order-service', client_secret: ORDER_SECRET };
  const response = await post(`${issuer}/protocol/openid-connect/token`, {
    grant_type: 'client_credentials',
    ...credentials,
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  answered.tokens.push(token);
  if (answered.tokens.length % 2 === 0) {
    const taken = await post(`${issuer}/protocol/openid-connect/revoke`, { token, ...credentials });
    if (taken.status === 200) answered.revoked.add(token);
  }
}

async function unknownTokens(file: string, tokens: readonly string[]): Promise<number> {
  const database = await openSqlite(file);
  const issued = storedTokens(database);
  const known = await Promise.all(
    tokens.map((token) => {
      const { jti = '', exp = 0 } = decodeJwt(token);
      return issued.known({ jti, expiresAt: exp * 1_000 });
    }),
  );
  await database.close();
  return known.filter((one) => !one).length;
}

/** Revoked ones that are active, and others that are not. */
async function wronglyAnswered(
  authority: IssuerProcess,
  issuer: string,
  { tokens, revoked }: Answered,
): Promise<number> {
  assert.ok(authority.url);
  const reader = { client_id: 'reader', client_secret: 'secret-of-reader' };
  const active = await Promise.all(
    tokens.map(async (token) => {
      const response = await post(`${issuer}/protocol/openid-connect/token/introspect`, { token, ...reader });
      return ((await response.json()) as { active: boolean }).active;
    }),
  );
  // One whose revocation was not answered may be either.
  return tokens.filter((token, index) =>
    revoked.has(token) ? active[index] : index % 2 === 0 && active[index] !== true,
  ).length;
}

function newAssertion(issuer: string): Promise<string> {
  return new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid: 'r1' })
    .setIssuer('reporting')
    .setSubject('reporting')
    .setAudience(issuer)
    .setIssuedAt()
    .setExpirationTime('4m')
    .sign(REPORTING.privateKey);
}

function present(issuer: string, assertion: string): Promise<Response> {
  const proof = { client_assertion_type: ASSERTION, client_assertion: assertion };
  return post(`${issuer}/protocol/openid-connect/token`, { grant_type: 'client_credentials', ...proof });
}

function post(url: string, form: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(url, { method: 'POST', body: new URLSearchParams(form) });
}
