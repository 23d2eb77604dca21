/** An egress sidecar that shows its JWT-SVID from a Workload API: to a target as its token, and to our issuer as what proves its client. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createPushedJwks } from '@sidegate/sdk';
import { type HttpApp, startHttpApp, valuesOf } from '../support/http-app.ts';
import { endpointUrl, startIdentityProvider, type TestIdentityProvider } from '../support/identity-provider.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { servicesRealm } from '../support/realms.ts';
import { startTestSidecar, type TestSidecar } from '../support/sidecar.ts';
import { keySetBytes } from '../support/tokens.ts';
import { sendRequest } from '../support/wire.ts';
import { attestSameUser, startWorkloadAuthority, type WorkloadAuthority } from '../support/workload-authority.ts';

const OWN = 'spiffe://example.org/zone2/order-service';
const DATA = 'spiffe://example.org/zone3/data-service';
const ISSUER = 'https://keycloak.example.com/realms/services';

const stack = new AsyncDisposableStack();
let authority: WorkloadAuthority;
let issuer: TestIdentityProvider;
let data: Ingress;
let plain: HttpApp;
let egress: TestSidecar;

before(async () => {
  authority = stack.use(await startWorkloadAuthority({ attestPeer: attestSameUser }));
  const bundle = keySetBytes(...authority.jwtKeys().map((key) => ({ ...key, use: 'jwt-svid' })));
  issuer = stack.use(
    await startIdentityProvider({
      algorithms: ['ES256'],
      trustBundles: new Map([['example.org', createPushedJwks(bundle, 'jwt-svid')]]),
      realms: [
        servicesRealm({
          clientId: 'by-svid',
          serviceAccountsEnabled: true,
          clientAuthenticatorType: 'client-jwt',
          attributes: { 'sidegate.spiffe_id': OWN },
          defaultClientScopes: ['data-service:read'],
        }),
      ],
    }),
  );
  plain = stack.use(await startHttpApp());
  data = stack.use(
    await startIngress({
      jwt: `  trust_domains: [{ trust_domain: example.org, audience: "${DATA}", bundle_file: /etc/bundle.json }]`,
      files: { '/etc/bundle.json': bundle },
    }),
  );
  egress = stack.use(await startEgress(OWN_API()));
});
after(() => stack[Symbol.asyncDispose]());

const OWN_API = (): string => `workload_api: { socket: "${authority.socket}", timeout: 5s }`;

function startEgress(chapter: string): Promise<TestSidecar> {
  const ingress = `http://127.0.0.1:${data.sidecar.ingressPort}`;
  return startTestSidecar({
    yaml: `
service: { name: order-service }
${chapter}
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    data: { url: "${ingress}", auth: { type: spiffe_jwt, audience: "${DATA}" } }
    other: { url: "${ingress}", auth: { type: spiffe_jwt, audience: "spiffe://example.org/zone3/archive" } }
    plain:
      url: http://127.0.0.1:${plain.port}
      auth: { type: oauth2_client_credentials, token_url: "${endpointUrl(issuer, 'services', 'token')}", client_id: by-svid, client_auth: spiffe_jwt, issuer: "${ISSUER}" }
  routes: [{ path_prefix: /data, target: data }, { path_prefix: /other, target: other }, { path_prefix: /plain, target: plain }]
`,
    files: {},
  });
}

const call = (target: string) => sendRequest({ port: egress.egressPort }, { target });

describe('S4-083 a JWT-SVID of our own', () => {
  test('S4-083 for another target is refused there', async () => {
    const answer = await call('/other/7');
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [401, 'token_aud_mismatch']);
  });

  test('S4-083 is the token that a target accepts, whoever the local service says it is', async () => {
    const answer = await sendRequest(
      { port: egress.egressPort },
      { target: '/data/7', headers: ['Authorization', 'Bearer made-up'] },
    );
    assert.equal(answer.status, 200, answer.raw);
    const { token } = data.sidecar.audit.at(-1) as { token?: { client_id?: string } };
    assert.equal(token?.client_id, OWN);
    assert.doesNotMatch(egress.log() + egress.lines.join(''), /eyJ/);
  });

  test('is asked for once while it is fresh', async () => {
    const fetched = () => authority.events.length;
    await call('/data/1');
    const before = fetched();
    for (let i = 0; i < 10; i += 1) assert.equal((await call('/data/1')).status, 200);
    assert.equal(fetched(), before);
  });

  test('proves its client at the token endpoint', async () => {
    const answer = await call('/plain/1');
    assert.equal(answer.status, 200, answer.raw);
    const [authorization = ''] = valuesOf(plain.seen.at(-1)?.rawHeaders ?? [], 'authorization');
    const claims = JSON.parse(Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString()) as object;
    assert.equal((claims as { client_id?: string }).client_id, 'by-svid');
  });
});

test('a sidecar without a Workload API does not start with it', async () => {
  await assert.rejects(startEgress(''), /egress\.targets\.data\.auth\.type: needs workload_api/);
});
