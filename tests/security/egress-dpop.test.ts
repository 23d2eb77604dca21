/**
 * Tokens that an egress sidecar has bound to a key of its own (RFC 9449), from our own issuer to our own ingress: each request is proven anew, and
 * whoever has seen one has nothing.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../support/free-port.ts';
import { valuesOf } from '../support/http-app.ts';
import { endpointUrl, startIdentityProvider, type TestIdentityProvider } from '../support/identity-provider.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { audienceMapper } from '../support/realms.ts';
import { startTestSidecar, type TestSidecar } from '../support/sidecar.ts';
import { sendRequest, type WireAnswer } from '../support/wire.ts';

interface Passed {
  readonly target: string;
  readonly authorization: string;
  readonly proof: string;
}

const stack = new AsyncDisposableStack();
let issuer: TestIdentityProvider;
let inner: Ingress;
let egress: TestSidecar;
let origin: string;
/** What somebody on the way to the inner sidecar has seen. */
const passed: Passed[] = [];

before(async () => {
  const port = await freePort();
  issuer = stack.use(
    await startIdentityProvider({
      port,
      publicUrl: `http://127.0.0.1:${port}`,
      algorithms: ['ES256'],
      realms: [
        {
          realm: 'services',
          clients: [
            {
              clientId: 'order-service',
              serviceAccountsEnabled: true,
              secret: 'canary-order',
              attributes: { 'dpop.bound.access.tokens': 'true' },
              protocolMappers: [audienceMapper('data-service')],
            },
          ],
        },
      ],
    }),
  );
  const between = createServer((incoming, response) => {
    const { authorization = '', dpop = '' } = incoming.headers;
    passed.push({ target: incoming.url ?? '', authorization, proof: String(dpop) });
    const body: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => body.push(chunk));
    incoming.on('end', () => {
      const headers = ['Authorization', authorization, 'DPoP', String(dpop)];
      const text = Buffer.concat(body).toString();
      const request = { method: incoming.method ?? '', target: incoming.url ?? '', headers };
      void sendRequest(inner.wire, text === '' ? request : { ...request, body: text }).then((answer) => {
        const { 'www-authenticate': challenge, 'dpop-nonce': nonce } = answer.headers;
        const back = { ...(challenge && { 'www-authenticate': challenge }), ...(nonce && { 'dpop-nonce': nonce }) };
        response.writeHead(answer.status, back).end(answer.body);
      });
    });
  });
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
  stack.defer(() => void between.close());
  origin = `http://127.0.0.1:${(between.address() as AddressInfo).port}`;
  inner = await startInner('');
  egress = stack.use(await startEgress());
});
after(async () => {
  await inner[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

async function startInner(dpop: string): Promise<Ingress> {
  return startIngress({
    jwt: `  issuers: [{ name: services, issuer: "${issuer.url}/realms/services", audience: data-service, jwks_url: "\${CERTS}" }]`,
    proxy: `  authz: { enabled: false }\n  auth: { dpop: { enabled: true, origins: ["${origin}"]${dpop} } }`,
    env: { CERTS: endpointUrl(issuer, 'services', 'certs') },
  });
}

function startEgress(): Promise<TestSidecar> {
  return startTestSidecar({
    yaml: `
service: { name: order-service }
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    data:
      url: ${origin}
      auth: { type: oauth2_client_credentials, token_url: "\${TOKENS}", client_id: order-service, client_secret: "\${SECRET}", dpop: true }
  routes: [{ path_prefix: /data, target: data, strip_prefix: /data }]
`,
    files: {},
    env: { TOKENS: endpointUrl(issuer, 'services', 'token'), SECRET: 'canary-order' },
  });
}

const call = (target = '/data/stock?item=7', body?: string): Promise<WireAnswer> =>
  sendRequest(
    { port: egress.egressPort },
    { target, method: body === undefined ? 'GET' : 'POST', headers: ['DPoP', 'made-up'], ...(body && { body }) },
  );

describe('a token that egress has bound to its key', () => {
  test('C-059 passes with each request, proven anew; what was seen on the way is worth nothing', async () => {
    for (let i = 0; i < 3; i += 1) {
      const answer = await call();
      assert.equal(answer.status, 200, answer.raw);
    }
    assert.equal(issuer.events.length, 1, 'one token');
    assert.equal(new Set(passed.map(({ proof }) => proof)).size, 3);
    const seen = passed.at(-1);
    assert.ok(seen?.authorization.startsWith('DPoP '), 'by its scheme');
    const token = seen?.authorization.slice(5) ?? '';
    const stolen = (headers: readonly string[], target = seen?.target ?? '') =>
      sendRequest(inner.wire, { target, headers });
    const secrets = [token, seen?.proof ?? ''];
    await inner.refused(
      'dpop_proof_replayed',
      () => stolen(['Authorization', seen?.authorization ?? '', 'DPoP', seen?.proof ?? '']),
      secrets,
    );
    await inner.refused(
      'dpop_proof_invalid',
      () => stolen(['Authorization', seen?.authorization ?? '', 'DPoP', seen?.proof ?? ''], '/other'),
      secrets,
    );
    await inner.refused('token_binding_required', () => stolen(['Authorization', `Bearer ${token}`]), secrets);
    for (const secret of secrets) assert.ok(!`${egress.log()}${egress.lines.join('')}`.includes(secret));
  });

  test('the proof of the local service does not leave', async () => {
    assert.equal((await call()).status, 200);
    assert.notEqual(passed.at(-1)?.proof, 'made-up');
    assert.deepEqual(valuesOf(inner.app.seen.at(-1)?.rawHeaders ?? [], 'dpop'), []);
  });

  test('a nonce that the target asks for is in the next proof; what has no body is asked once more by itself', async () => {
    const bearer = inner;
    inner = await startInner(', require_nonce: true');
    await bearer[Symbol.asyncDispose]();
    const before = passed.length;
    const answer = await call();
    assert.equal(answer.status, 200, answer.raw);
    assert.equal(passed.length - before, 2, 'refused once, then let in');
    assert.equal(answer.headers['www-authenticate'], undefined);
    assert.equal((await call('/data/orders', 'a body')).status, 200, 'the nonce is known');
    assert.equal(passed.length - before, 3);
  });

  test('what has a body is not sent twice: the refusal is passed on, and the next one is let in', async () => {
    const old = inner;
    inner = await startInner(', require_nonce: true');
    await old[Symbol.asyncDispose]();
    const before = passed.length;
    assert.equal((await call('/data/orders', 'a body')).status, 401);
    assert.equal(passed.length - before, 1);
    assert.equal((await call('/data/orders', 'a body')).status, 200);
  });
});
