/** Every way in which egress proves to a target, or to its token endpoint, who calls: over real sockets. */
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { StartRefused } from '../../packages/sidegate/src/cli/start-finding.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { type HttpApp, startHttpApp, valuesOf } from '../support/http-app.ts';
import { startTestSidecar, type TestSidecar } from '../support/sidecar.ts';
import { startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts';
import { sendRequest } from '../support/wire.ts';

const ISSUER = 'https://idp.example.com/realms/services';
const TOKEN = 'canary.service.token';
const SECRETS = { TOKEN: 'canary-bearer-token', KEY: 'canary api key', PASSWORD: 'canary:pässword' };

const zone = createTestAuthority('zone3-CA');
const client = zone.issue({ uris: ['spiffe://example.org/order-service'], subject: [{ CN: 'order-service-client' }] });
const server = zone.issue({ dns: ['data.zone3.local'], eku: ['serverAuth'] });
const idp = zone.issue({ dns: ['idp.zone3.local'], eku: ['serverAuth'] });
const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const FILES = {
  '/client.crt': client.certPem,
  '/client.key': client.keyPem,
  '/ca.crt': zone.certPem,
  '/signing.key': signing.privateKey.export({ type: 'pkcs8', format: 'pem' }),
};

const OAUTH = 'type: oauth2_client_credentials, client_id: order-service';
const yaml = (auth: string, url = 'https://data.zone3.local:8443'): string => `
service: { name: order-service }
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    data:
      url: ${url}
      auth: { ${auth} }
      tls: { enabled: true, client_cert: /client.crt, client_key: /client.key, ca_cert: /ca.crt }
  routes: [{ path_prefix: /data, target: data, strip_prefix: /data }]
`;

let data: HttpApp;
let endpoint: TokenEndpoint;
/** The same endpoint over mutual TLS: what it got, and by whom. */
let secure: { readonly port: number; readonly seen: { body: string; client: string | undefined }[]; close(): void };

before(async () => {
  data = await startHttpApp(undefined, { cert: server.certPem, key: server.keyPem, ca: zone.certPem });
  endpoint = await startTokenEndpoint(() => ({ body: { access_token: TOKEN, token_type: 'Bearer', expires_in: 300 } }));
  secure = await startSecureEndpoint();
});
after(async () => {
  secure.close();
  for (const each of [data, endpoint]) await each[Symbol.asyncDispose]();
});

async function startSecureEndpoint() {
  const seen: { body: string; client: string | undefined }[] = [];
  const options = { cert: idp.certPem, key: idp.keyPem, ca: zone.certPem, requestCert: true };
  const listening = https.createServer(options, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const peer = (request.socket as tls.TLSSocket).getPeerX509Certificate()?.subject;
      seen.push({ body: Buffer.concat(chunks).toString(), client: peer });
      response.end(JSON.stringify({ access_token: TOKEN, token_type: 'Bearer', expires_in: 300 }));
    });
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return { port: (listening.address() as AddressInfo).port, seen, close: () => void listening.close() };
}

function start(auth: string, files: Readonly<Record<string, string>> = FILES): Promise<TestSidecar> {
  return startTestSidecar({
    yaml: yaml(auth),
    files,
    env: { ...SECRETS, TOKEN_URL: endpoint.url },
    connectTo: new Map([
      ['data.zone3.local:8443', { address: '127.0.0.1', port: data.port }],
      ['idp.zone3.local:443', { address: '127.0.0.1', port: secure.port }],
    ]),
  });
}

/** Sends with forged credentials of the app's own; nothing that is printed may hold a secret. */
async function seenBy(sidecar: TestSidecar, headers: readonly string[] = []) {
  const forged = ['Authorization', 'Bearer user-token', 'X-API-Key', 'forged', 'X-Api-Key', 'forged too'];
  const answer = await sendRequest(
    { port: sidecar.egressPort },
    { target: '/data/x', headers: [...forged, ...headers] },
  );
  assert.equal(answer.status, 200, answer.raw);
  for (const secret of [...Object.values(SECRETS), TOKEN]) {
    for (const text of [sidecar.lines.join(''), sidecar.log(), answer.raw]) assert.ok(!text.includes(secret));
  }
  const seen = data.seen.at(-1);
  assert.ok(seen !== undefined);
  return { values: (name: string) => valuesOf(seen.rawHeaders, name), clientName: seen.clientName };
}

describe('a start that is refused', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const auth = `${OAUTH}, token_url: "\${TOKEN_URL}", client_auth: private_key_jwt, private_key_file: /signing.key, key_id: a, issuer: "${ISSUER}"`;
  for (const [title, key, reason] of [
    ['a weak signing key', weak, /signing\.key: error: is too weak: RSA modulus of 1024 bits/],
    ['a signing key that is none', 'canary', /signing\.key: error: is not an unencrypted PEM private key/],
  ] as const) {
    test(`${title}: exit 78 with a finding`, async () => {
      await assert.rejects(start(auth, { ...FILES, '/signing.key': key }), (error) => {
        assert.ok(error instanceof StartRefused);
        assert.match(error.message, reason);
        assert.ok(!error.message.includes('canary'));
        return true;
      });
    });
  }
});

describe('C-214 C-218 what the app sends is replaced', () => {
  test('by the bearer token', async () => {
    await using sidecar = await start('type: bearer, token: "${TOKEN}"');
    assert.deepEqual((await seenBy(sidecar)).values('authorization'), [`Bearer ${SECRETS.TOKEN}`]);
  });

  test('by the API key, under its default name', async () => {
    await using sidecar = await start('type: api_key, key: "${KEY}"');
    const { values } = await seenBy(sidecar);
    assert.deepEqual([values('x-api-key'), values('authorization')], [[SECRETS.KEY], []]);
  });

  test('by the API key, under another name', async () => {
    await using sidecar = await start('type: api_key, header: Ocp-Key, key: "${KEY}"');
    const { values } = await seenBy(sidecar, ['ocp-key', 'forged']);
    assert.deepEqual([values('ocp-key'), values('authorization')], [[SECRETS.KEY], []]);
  });

  test('by the basic credentials, in UTF-8', async () => {
    await using sidecar = await start('type: basic, username: order, password: "${PASSWORD}"');
    const [value = ''] = (await seenBy(sidecar)).values('authorization');
    assert.equal(Buffer.from(value.replace('Basic ', ''), 'base64').toString(), `order:${SECRETS.PASSWORD}`);
  });

  test('by nothing with mtls: the certificate is the credential', async () => {
    await using sidecar = await start('type: mtls');
    const { values, clientName } = await seenBy(sidecar);
    assert.deepEqual([values('authorization'), clientName], [[], 'order-service-client']);
  });
});

describe('the token request', () => {
  test('C-198 C-199 with private_key_jwt is signed by the key from the file, for the issuer alone', async () => {
    await using sidecar = await start(
      `${OAUTH}, token_url: "\${TOKEN_URL}", client_auth: private_key_jwt, private_key_file: /signing.key, key_id: a, issuer: "${ISSUER}", params: { tenant: blue }`,
    );
    assert.deepEqual((await seenBy(sidecar)).values('authorization'), [`Bearer ${TOKEN}`]);
    const { form } = endpoint.requests.at(-1) ?? {};
    const jwk = createPublicKey(signing.publicKey.export({ type: 'spki', format: 'pem' })).export({ format: 'jwk' });
    const keys = createLocalJWKSet({ keys: [{ ...jwk, kid: 'a', alg: 'ES256' }] });
    const { payload } = await jwtVerify(form?.get('client_assertion') ?? '', keys, { audience: ISSUER });
    assert.deepEqual([payload.iss, payload.sub, payload.aud], ['order-service', 'order-service', ISSUER]);
    assert.match(payload.jti ?? '', /^[\da-f]{32}$/);
    assert.deepEqual([form?.get('tenant'), form?.get('client_secret')], ['blue', null]);
  });

  test('C-202 with tls_client_auth shows the certificate of the target, and no secret', async () => {
    const trusted = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...trusted, zone.certPem]);
    try {
      await using sidecar = await start(
        `${OAUTH}, token_url: "https://idp.zone3.local/token", client_auth: tls_client_auth`,
      );
      assert.deepEqual((await seenBy(sidecar)).values('authorization'), [`Bearer ${TOKEN}`]);
    } finally {
      tls.setDefaultCACertificates(trusted);
    }
    assert.deepEqual(secure.seen, [
      { body: 'grant_type=client_credentials&client_id=order-service', client: 'CN=order-service-client' },
    ]);
  });
});
