/** The store of several replicas, on the real PostgreSQL. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose';
import { StoreUnavailable } from '../../packages/sidegate/src/authority/store/database.ts';
import { openPostgres } from '../../packages/sidegate/src/authority/store/postgres.ts';
import { authorityFolder } from '../support/authority.ts';
import { databaseTable, type OpenedDatabase } from '../support/database-table.ts';
import { enrolmentTable } from '../support/enrolment-table.ts';
import { freePort } from '../support/free-port.ts';
import type { IssuerProcess } from '../support/issuer-process.ts';
import { audienceMapper, ORDER_SECRET, servicesRealm } from '../support/realms.ts';
import { revocationTable } from '../support/revocation-table.ts';
import { until } from '../support/until.ts';
import { withoutPostgres } from './postgres-binary.ts';
import { type PostgresServer, startPostgresServer } from './postgres-server.ts';

const LIMITS = { maxConnections: 10, timeoutMs: 5_000 };

test('a PostgreSQL that is not there refuses the start without a word of its password', async () => {
  const url = `postgres://sidegate:very-secret@127.0.0.1:${await freePort()}/authority`;
  await assert.rejects(openPostgres({ url, ...LIMITS }), (error) => {
    assert.ok(error instanceof StoreUnavailable);
    assert.doesNotMatch(JSON.stringify([error.message, error.stack]), /very-secret/);
    return /ECONNREFUSED/.test(error.message);
  });
});

describe('PostgreSQL', { skip: withoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgresServer();
  });
  after(() => server[Symbol.asyncDispose]());

  const prepare = async (): Promise<OpenedDatabase> => {
    const url = await server.database();
    return { open: () => openPostgres({ url, ...LIMITS }), [Symbol.asyncDispose]: async () => undefined };
  };
  databaseTable('PostgreSQL', prepare);
  revocationTable('PostgreSQL', prepare);
  enrolmentTable('PostgreSQL', prepare);

  test('a wrong password refuses the start without a word of it', async () => {
    const url = (await server.database()).replace('only-for-this-test', 'very-secret');
    await assert.rejects(openPostgres({ url, ...LIMITS }), (error) => {
      assert.doesNotMatch(String(error), /very-secret/);
      return error instanceof StoreUnavailable && /28P01/.test(error.message);
    });
  });

  describe('two replicas of an authority', () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const reporting = {
      clientId: 'reporting',
      serviceAccountsEnabled: true,
      clientAuthenticatorType: 'client-jwt',
      attributes: {
        'jwks.string': JSON.stringify({ keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: 'r1' }] }),
      },
      protocolMappers: [audienceMapper('data-service')],
    };
    const openidConnect = ({ url }: IssuerProcess) => `${url}/realms/services/protocol/openid-connect`;
    const post = (url: string, form: Readonly<Record<string, string>>): Promise<Response> =>
      fetch(url, { method: 'POST', body: new URLSearchParams(form) });
    const login = {
      grant_type: 'client_credentials',
      client_id: 'order-service',
      client_secret: ORDER_SECRET,
    };

    test('C-199 C-224 100 parallel uses of one assertion on two replicas: 1 success, and none after a restart', async () => {
      await using folder = await authorityFolder({
        realms: [servicesRealm(reporting)],
        store: `type: postgres, url_file: database.url`,
      });
      await folder.write('database.url', await server.database());
      const replicas = await Promise.all([folder.start(), folder.start()]);
      const assertion = await new SignJWT({ jti: 'only-once' })
        .setProtectedHeader({ alg: 'ES256', kid: 'r1' })
        .setIssuer('reporting')
        .setSubject('reporting')
        .setAudience('http://127.0.0.1:8443/realms/services')
        .setIssuedAt()
        .setExpirationTime('4m')
        .sign(key.privateKey);
      const present = (replica: IssuerProcess) =>
        post(`${openidConnect(replica)}/token`, {
          grant_type: 'client_credentials',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion,
        });
      const answers = await Promise.all(Array.from({ length: 50 }, () => replicas.map(present)).flat());
      const statuses = answers.map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 200).length, 1, statuses.join());
      assert.equal(statuses.filter((status) => status === 401 || status === 429).length, 99, statuses.join());
      await Promise.all(replicas.map((replica) => replica.kill()));
      await using restarted = await folder.start();
      assert.equal((await present(restarted)).status, 401);
    });

    test('S4-098 they sign with one key and verify each other, before and after it rotates', async () => {
      await using folder = await authorityFolder({
        store: `type: postgres, url_file: database.url`,
        signing: 'algorithms: [ES256], publish_before: 2s',
      });
      await folder.write('database.url', await server.database());
      const [first, second] = await Promise.all([folder.start(), folder.start()]);
      assert.ok(first && second);
      const tokenOf = async (replica: IssuerProcess): Promise<string> => {
        const { access_token: token } = (await (await post(`${openidConnect(replica)}/token`, login)).json()) as {
          access_token: string;
        };
        return token;
      };
      const verified = async (token: string, replica: IssuerProcess): Promise<boolean> => {
        const keys = (await (await fetch(`${openidConnect(replica)}/certs`)).json()) as JSONWebKeySet;
        return jwtVerify(token, createLocalJWKSet(keys)).then(
          () => true,
          () => false,
        );
      };
      const [before, other] = [await tokenOf(first), await tokenOf(second)];
      const kid = (token: string) => decodeProtectedHeader(token).kid;
      assert.equal(kid(before), kid(other));
      assert.equal((await folder.command('keys', 'rotate')).code, 0);
      const rotated = async (replica: IssuerProcess) => kid(await tokenOf(replica)) !== kid(before);
      await until(async () => (await rotated(first)) && (await rotated(second)), 15_000);
      const after = await tokenOf(second);
      assert.equal(kid(await tokenOf(first)), kid(after));
      for (const token of [before, other, after]) {
        assert.deepEqual([await verified(token, first), await verified(token, second)], [true, true]);
      }
      await Promise.all([first.end(), second.end()]);
    });
  });
});
