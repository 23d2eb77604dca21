/** The sidecar that the hostile inputs meet: order-service of zone 2, mutual TLS, user tokens, an app that remembers. */
import assert from 'node:assert/strict';
import { PROBLEMS, type ProblemCode } from '@sidegate/sdk';
import { createTestAuthority, type TestAuthority, type TestCertificate } from '../support/certificates.ts';
import { type HttpApp, startHttpApp } from '../support/http-app.ts';
import { bytes, type JwksServer, startJwksServer } from '../support/jwks-server.ts';
import { type AuditLine, startTestSidecar, type TestSidecar } from '../support/sidecar.ts';
import { createSigningKey, keySetBytes, type MintOptions, mint, type SigningKey } from '../support/tokens.ts';
import { sendRequest, type WireAnswer, type WireOptions, type WireRequest } from '../support/wire.ts';

export const USERS_REALM = 'https://keycloak.example.com/realms/users';

const GATEWAY_SUBJECT = [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }];
const GATEWAY_ID = 'spiffe://example.org/zone1/api-gateway';

const POLICY = `package order

import rego.v1

default allow := false

allow if {
	input.mtls.verified
	input.token.sub != ""
	input.request.path != "/forbidden"
}
`;

export interface OrderSidecar extends AsyncDisposable {
  readonly sidecar: TestSidecar;
  readonly app: HttpApp;
  readonly jwks: JwksServer;
  /** Signs the server and every accepted client. */
  readonly zone: TestAuthority;
  readonly gateway: TestCertificate;
  readonly issuerKey: SigningKey;
  /** A user's token as the gateway forwards it, claims replaced. */
  userToken(changes?: Readonly<Record<string, unknown>>, options?: Partial<MintOptions>): string;
  /** Where and as whom to connect. */
  wire(client?: TestCertificate): WireOptions;
  /** Sends as the gateway with a good token, unless told otherwise. */
  send(request?: WireRequest, client?: TestCertificate): Promise<WireAnswer>;
  /** Runs the step and asserts that it was refused: right answer, nothing at the app, one deny record, no secret. */
  refused(code: ProblemCode, step: () => Promise<WireAnswer>, secrets?: readonly string[]): Promise<AuditLine>;
  /** Runs the step and asserts that the handshake failed: nothing at the app, one deny record. */
  refusedHandshake(step: () => Promise<WireAnswer>): Promise<AuditLine>;
}

export interface OrderSidecarOptions {
  /** YAML lines put below `proxy.headers`. */
  readonly headers?: string;
  /** YAML lines of `allowed_clients`. */
  readonly allowedClients?: readonly string[];
  /** YAML of the `identities` chapter. */
  readonly identities?: string;
}

export async function startOrderSidecar(options: OrderSidecarOptions = {}): Promise<OrderSidecar> {
  const zone = createTestAuthority('zone2-CA');
  const server = zone.issue({ subject: [{ CN: 'order-service' }], dns: ['localhost'], eku: ['serverAuth'] });
  const gateway = zone.issue({ subject: GATEWAY_SUBJECT, uris: [GATEWAY_ID] });
  const issuerKey = createSigningKey('ES256', 'users-1');
  const jwks = await startJwksServer(bytes(keySetBytes(issuerKey.jwk())));
  const app = await startHttpApp();
  const sidecar = await startTestSidecar({
    yaml: configuration(options),
    files: {
      '/etc/certs/server.crt': server.certPem,
      '/etc/certs/server.key': server.keyPem,
      '/etc/certs/zone2-ca.crt': zone.certPem,
      '/etc/authz/policies/order.rego': POLICY,
    },
    env: { APP: `http://127.0.0.1:${app.port}`, JWKS: `${jwks.origin}/certs` },
  });
  await sidecar.ready;

  const userToken: OrderSidecar['userToken'] = (changes = {}, mintOptions = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: USERS_REALM,
      aud: 'order-service',
      sub: 'user-123',
      azp: 'web-app',
      iat: now,
      exp: now + 300,
    };
    return mint({ ...claims, ...changes }, { key: issuerKey, ...mintOptions });
  };
  const wire: OrderSidecar['wire'] = (client = gateway) => ({
    port: sidecar.ingressPort,
    tls: { ca: zone.certPem, cert: client.certPem, key: client.keyPem },
  });

  const watched = async (step: () => Promise<WireAnswer>, secrets: readonly string[]) => {
    const before = { audit: sidecar.audit.length, seen: app.seen.length };
    const outcome = await step().catch((error: unknown) => error);
    await settled(() => sidecar.audit.length > before.audit);
    const records = sidecar.audit.slice(before.audit);
    assert.equal(app.seen.length, before.seen, 'nothing may reach the app');
    assert.equal(records.length, 1, `exactly one audit record, not ${JSON.stringify(records)}`);
    const [record = {}] = records;
    assert.equal(record['decision'], 'deny');
    for (const secret of secrets) {
      for (const text of [JSON.stringify(record), JSON.stringify(outcome), sidecar.log()]) {
        assert.ok(!text.includes(secret), 'a credential is in an output');
      }
    }
    return { outcome, record };
  };

  return {
    sidecar,
    app,
    jwks,
    zone,
    gateway,
    issuerKey,
    userToken,
    wire,
    send: (request = {}, client = gateway) => {
      const { headers = ['Authorization', `Bearer ${userToken()}`], ...rest } = request;
      return sendRequest(wire(client), { ...rest, headers });
    },
    async refused(code, step, secrets = []) {
      const { outcome, record } = await watched(step, secrets);
      assert.ok(!(outcome instanceof Error), String(outcome));
      const answer = outcome as WireAnswer;
      assert.equal(record['code'], code, JSON.stringify(record));
      assertProblem(code, answer, record);
      return record;
    },
    async refusedHandshake(step) {
      const { outcome, record } = await watched(step, []);
      assert.ok(outcome instanceof Error, `answered ${JSON.stringify(outcome)}`);
      return record;
    },
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
      await jwks[Symbol.asyncDispose]();
    },
  };
}

/** The answer on the wire is what RFC 9457, RFC 6750 and our table say about this code. */
function assertProblem(code: ProblemCode, answer: WireAnswer, record: AuditLine): void {
  const row: { readonly status: number; readonly title: string; readonly challenge?: string } = PROBLEMS[code];
  assert.equal(answer.status, row.status);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  const requestId = record['request_id'];
  assert.deepEqual(JSON.parse(answer.body), {
    type: 'about:blank',
    title: row.title,
    status: row.status,
    code,
    request_id: requestId,
  });
  assert.equal(answer.headers['x-sidegate-decision'], requestId);
  const challenge = row.challenge === '' ? 'Bearer' : row.challenge && `Bearer error="${row.challenge}"`;
  assert.equal(answer.headers['www-authenticate'], challenge);
}

async function settled(done: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 200 && !done(); attempt += 1) await new Promise((resolve) => setTimeout(resolve, 5));
}

function configuration({ headers = '', allowedClients, identities }: OrderSidecarOptions): string {
  const allowed = allowedClients ?? [GATEWAY_ID, '"CN=api-gateway-client,O=MyOrg"'];
  return `
http:
  addr: 127.0.0.1:0
  tls:
    enabled: true
    cert_file: /etc/certs/server.crt
    key_file: /etc/certs/server.key
    client_ca_file: /etc/certs/zone2-ca.crt
    client_auth: require
jwt:
  issuer: ${USERS_REALM}
  audience: order-service
  jwks_url: \${JWKS}
proxy:
  enabled: true
  upstream:
    url: \${APP}
  authz:
    policy_query: data.order.allow
  mtls:
    enabled: true
    allowed_clients:
${allowed.map((client) => `      - ${client}`).join('\n')}
  headers:
    inject_user_id: X-User-ID
    inject_claims:
      email: X-User-Email
      realm_access.roles: X-User-Roles
${headers}
${identities ?? `identities:\n  ${GATEWAY_ID}: { client_id: api-gateway, may_forward: [web-app] }\n  "CN=api-gateway-client,O=MyOrg": { client_id: api-gateway, may_forward: [web-app] }`}
`;
}
