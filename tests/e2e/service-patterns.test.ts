/** The ways in which services prove to each other who they are: one table, run for each of them over real TLS. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ServiceClient, type ServiceClientOptions, serviceClient } from '@sidegate/sdk/client';
import { authorityFolder } from '../support/authority.ts';
import { freePort } from '../support/free-port.ts';
import { type ProtectedService, startProtectedService } from '../support/protected-service.ts';
import { audienceMapper } from '../support/realms.ts';
import {
  clientCredentialsPattern,
  httpSignaturePattern,
  legacySignaturePattern,
  mutualTlsPattern,
  patternAuthority,
  type ServicePattern,
  serviceJwtPattern,
  sharedSecretPattern,
} from '../support/service-patterns.ts';
import { sendRequest } from '../support/wire.ts';

const ca = patternAuthority();
const server = ca.issue({ eku: ['serverAuth'], dns: ['localhost'] });
const TLS = { cert: server.certPem, key: server.keyPem, ca: ca.certPem };
const ISSUER_PORT = await freePort();
const ISSUER = `http://127.0.0.1:${ISSUER_PORT}`;

const PATTERNS: readonly ServicePattern[] = [
  mutualTlsPattern(ca),
  serviceJwtPattern(),
  httpSignaturePattern(),
  legacySignaturePattern(),
  sharedSecretPattern(),
  clientCredentialsPattern(`${ISSUER}/realms/services`),
];

const stack = new AsyncDisposableStack();
before(async () => {
  const client = (clientId: string, ...audiences: string[]) => ({
    clientId,
    serviceAccountsEnabled: true,
    secret: `canary-of-${clientId}`,
    defaultClientScopes: ['internal'],
    protocolMappers: audiences.map(audienceMapper),
  });
  const clients = [
    client('service-a', 'service-b'),
    client('service-b', 'service-c'),
    client('service-x', 'service-y'),
  ];
  const folder = stack.use(
    await authorityFolder({
      baseUrl: ISSUER,
      realms: [{ realm: 'services', clientScopes: [{ name: 'internal' }], clients }],
    }),
  );
  stack.use(await folder.start('--addr', `127.0.0.1:${ISSUER_PORT}`));
});
after(() => stack.disposeAsync());

for (const pattern of PATTERNS) {
  describe(pattern.name, () => {
    let b: ProtectedService;
    let c: ProtectedService;
    before(async () => {
      const start = async (name: string, callers: readonly string[]): Promise<ProtectedService> => {
        const port = await freePort();
        return stack.use(
          await startProtectedService({
            name,
            authenticator: pattern.verifier(name, callers, `localhost:${port}`),
            tls: { ...TLS, requestCert: pattern.inHandshake, rejectUnauthorized: pattern.inHandshake },
            rule: { service: true, callers },
            port,
          }),
        );
      };
      b = await start('service-b', ['service-a']);
      c = await start('service-c', ['service-b']);
    });

    const call = async (from: string, to: ProtectedService, meant: string): Promise<string> => {
      const options = {
        target: `https://localhost:${to.port}`,
        ca: ca.certPem,
        retries: 0,
        ...pattern.proof(from, meant),
      };
      const client: ServiceClient<string> = serviceClient(options as ServiceClientOptions<string>);
      try {
        const response = await client.fetch('/internal/data');
        return `${response.status} ${await response.text()}`;
      } catch (error) {
        return String(error);
      } finally {
        await client.close();
      }
    };
    const refusedWith = async (attempt: () => Promise<string>, at: ProtectedService): Promise<string> => {
      const before = at.served.length;
      const outcome = await attempt();
      assert.equal(at.served.length, before, 'nothing may be served');
      return outcome;
    };

    test(`S2-01 S2-02 ${pattern.name}: a request without a proof is refused`, async () => {
      const plain = { port: b.port, tls: { ca: ca.certPem, servername: 'localhost' } };
      const outcome = await refusedWith(
        () => sendRequest(plain, { target: '/internal/data' }).then(({ status }) => String(status), String),
        b,
      );
      assert.match(outcome, pattern.inHandshake ? /alert|handshake|ECONNRESET|EPIPE/i : /^401$/);
    });

    test(`S2-01 S2-02 ${pattern.name}: the proof of a caller that is not known here is refused`, async () => {
      const outcome = await refusedWith(() => call('service-x', b, 'service-b'), b);
      assert.match(outcome, /^40[13] \{"detail":"[^"]+"\}$/);
    });

    test(`S2-61 ${pattern.name}: what service-a shows to service-b is worth nothing at service-c, where it may not call`, async () => {
      const outcome = await refusedWith(() => call('service-a', c, 'service-b'), c);
      assert.match(outcome, /^40[13] \{"detail":"[^"]+"\}$/);
    });

    test(`S2-01 S2-02 S2-61 ${pattern.name}: its own proof lets service-a in at service-b, as service-a and nobody else`, async () => {
      assert.equal(await call('service-a', b, 'service-b'), '200 {"data":"sensitive","called_by":"service-a"}');
      assert.equal(await call('service-b', c, 'service-c'), '200 {"data":"sensitive","called_by":"service-b"}');
    });
  });
}
