/** authlib as the client of our authority, through every flow of a service. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { authorityFolder } from '../support/authority.ts';
import { freePort } from '../support/free-port.ts';
import { audienceMapper } from '../support/realms.ts';
import { runProgram } from './foreign-program.ts';
import { peersPython, withoutPython } from './python-packages.ts';

const CLIENT = path.join(import.meta.dirname, 'python/token_service.py');
const SECRETS = {
  'order-service': 'canary-of-order-service',
  'data-service': 'canary-of-data-service',
  gateway: 'canary-of-gateway',
};

const OUTCOMES: readonly (readonly [attempt: string, expected: RegExp])[] = [
  ['wrong secret', /^OAuthError invalid_client$/],
  ['assertion for the endpoint', /^OAuthError invalid_client$/],
  ['assertion that lives for an hour', /^OAuthError invalid_client$/],
  ['assertion by a secret', /^OAuthError invalid_client$/],
  ["exchange of another's token", /^OAuthError invalid_(?:grant|request)$/],
  ['exchange for somebody else', /^OAuthError invalid_target$/],
  ['secret in the header', /^for data-service$/],
  ['secret in the body', /^for data-service$/],
  ['assertion', /^for gateway$/],
  ['exchange', /^for data-service$/],
  ['introspection', /^active$/],
  ['revocation', /^200$/],
  ['introspection after it', /^inactive$/],
];

describe('authlib at our authority', { skip: withoutPython() }, () => {
  let outcomes: Readonly<Record<string, string>>;
  before(async () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const jwks = JSON.stringify({ keys: [key.publicKey.export({ format: 'jwk' })] });
    const service = { serviceAccountsEnabled: true };
    const port = await freePort();
    const baseUrl = `http://127.0.0.1:${port}`;
    await using folder = await authorityFolder({
      baseUrl,
      realms: [
        {
          realm: 'services',
          clients: [
            {
              ...service,
              clientId: 'order-service',
              secret: SECRETS['order-service'],
              protocolMappers: [audienceMapper('data-service')],
            },
            { ...service, clientId: 'data-service', secret: SECRETS['data-service'] },
            {
              ...service,
              clientId: 'reporting',
              clientAuthenticatorType: 'client-jwt',
              attributes: { 'jwks.string': jwks },
              protocolMappers: [audienceMapper('gateway')],
            },
            {
              ...service,
              clientId: 'gateway',
              secret: SECRETS.gateway,
              attributes: { 'standard.token.exchange.enabled': 'true' },
              protocolMappers: [audienceMapper('data-service')],
            },
          ],
        },
      ],
    });
    await using authority = await folder.start('--addr', `127.0.0.1:${port}`);
    assert.ok(authority.url, authority.stderr());
    const pem = key.privateKey.export({ type: 'pkcs8', format: 'pem' });
    const place = { issuer: `${baseUrl}/realms/services`, secrets: SECRETS, key: pem };
    const { code, stdout, stderr } = await runProgram(peersPython() ?? 'python3', [CLIENT], [JSON.stringify(place)]);
    assert.equal(code, 0, stderr);
    outcomes = JSON.parse(stdout) as typeof outcomes;
  });

  for (const [attempt, expected] of OUTCOMES) {
    test(`${attempt}: ${expected.source.replaceAll(/[\^$]/g, '')}`, () => {
      assert.match(outcomes[attempt] ?? 'not tried', expected);
    });
  }
});
