/** Who may call at all, whom a client believes, and what it never sends; against real servers and TLS sockets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startCalledService } from '../../../../tests/support/called-service.ts';
import { createTestAuthority } from '../../../../tests/support/certificates.ts';
import { Problem } from '../problem.ts';
import { type Credentials, identityFromPem, type ServiceClientOptions, serviceClient, staticToken } from './index.ts';

const ca = createTestAuthority('internal-CA');
const other = createTestAuthority('other-CA');
const caller = ca.issue({ subject: [{ CN: 'order-service' }] });
const server = ca.issue({ eku: ['serverAuth'], dns: ['localhost'], uris: ['spiffe://example.org/inventory'] });
const mutual = {
  cert: server.certPem,
  key: server.keyPem,
  ca: ca.certPem,
  requestCert: true,
  rejectUnauthorized: true,
};
const identity = identityFromPem({ cert: caller.certPem, key: caller.keyPem, ca: ca.certPem });
const target = 'https://payment-service.internal';
const credentials: Credentials = {
  kind: 'test',
  authorize: () => Promise.resolve({ authorization: 'Bearer own' }),
  refused: () => {},
  close: () => {},
};

describe('a client is not made', () => {
  const ROWS: readonly (readonly [title: string, options: object, reason: RegExp])[] = [
    ['S0-02 S0-59 without mutual TLS and without credentials', { target }, /a call between services proves who calls/],
    [
      'S0-59 with a bare URL and a trust bundle',
      { target, ca: ca.certPem },
      /a call between services proves who calls/,
    ],
    ['S4-004 for http:// between services', { target: 'http://payment-service', credentials }, /http:\/\/ is refused/],
    ['S4-004 for http:// inside a private network', { target: 'http://10.0.0.7', credentials }, /http:\/\/ is refused/],
    ['S4-004 for http:// with a certificate', { target: 'http://payment-service', identity }, /http:\/\/ is refused/],
    ['for loopback outside development', { target: 'http://localhost:1', credentials }, /http:\/\/ is refused/],
    ['for a name like loopback', { target: 'http://localhost.example', credentials, development: true }, /refused/],
    ['with a certificate in a mesh', { target: 'http://a', mesh: true, identity }, /the sidecar shows the certificate/],
    ['with TLS in a mesh', { target: 'https://a', mesh: true }, /the sidecar speaks TLS/],
    [
      'with a written token outside development',
      { target, credentials: staticToken('abc') },
      /development: true alone/,
    ],
    ['with credentials in the URL', { target: 'https://a:b@c', credentials }, /must not hold credentials/],
    ['for another scheme', { target: 'ftp://a', credentials }, /a target is https/],
    ['for no URL', { target: 'payment', credentials }, /is not a URL/],
    ['with a query', { target: 'https://a/?b', credentials }, /must end with its path/],
    [
      'with scopes said twice',
      { target, credentials: staticToken('abc', ['a']), scopes: ['b'], development: true },
      /are those of/,
    ],
  ];
  for (const [title, options, reason] of ROWS) {
    test(title, () => {
      assert.throws(() => serviceClient(options as ServiceClientOptions<never>), {
        name: 'TypeError',
        message: reason,
      });
    });
  }
});

describe('with mutual TLS', () => {
  test('S0-01 S0-12 S2-16 S2-17 S4-014 S4-015 S4-027 both sides refuse whom their authority did not sign', async () => {
    const foreign = other.issue({ subject: [{ CN: 'order-service' }] });
    const foreignServer = other.issue({ eku: ['serverAuth'], dns: ['localhost'] });
    for (const [shown, tls, outcome] of [
      [{ ...foreign, ca: ca.certPem }, mutual, /upstream_(?:tls|unreachable)/],
      [
        { ...caller, ca: ca.certPem },
        { ...mutual, cert: foreignServer.certPem, key: foreignServer.keyPem },
        'upstream_tls',
      ],
      [{ ...caller, ca: other.certPem }, mutual, 'upstream_tls'],
      // Node's own authorities, as if it were a public server.
      [{ ...caller, ca: undefined }, mutual, 'upstream_tls'],
      [{ ...caller, ca: ca.certPem }, mutual, { from: 'order-service' }],
    ] as const) {
      await using service = await startCalledService({ tls, answer: ({ caller: from }) => ({ body: { from } }) });
      const pem = { cert: shown.certPem, key: shown.keyPem, ...(shown.ca === undefined ? {} : { ca: shown.ca }) };
      const client = serviceClient({ target: service.url, identity: identityFromPem(pem), retries: 0 });
      const answer = client.json('/internal/data');
      if (outcome instanceof RegExp || typeof outcome === 'string') {
        await assert.rejects(answer, (error) => error instanceof Problem && new RegExp(outcome).test(error.code));
        assert.equal(service.calls.length, 0);
      } else {
        assert.equal(JSON.stringify(await answer), JSON.stringify(outcome));
        assert.equal(service.calls[0]?.target, '/internal/data');
      }
      await client.close();
    }
  });

  test('S0-11 a server that speaks no TLS 1.2 is refused', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
    await using service = await startCalledService({ tls: { ...mutual, ...old } });
    await using client = disposable(serviceClient({ target: service.url, identity, retries: 0 }));
    await assert.rejects(client.fetch('/'), { code: 'upstream_tls' });
  });

  test('a server proves its host name, or the SPIFFE ID that is asked for', async () => {
    await using service = await startCalledService({ tls: mutual });
    for (const [host, serverId, fails] of [
      ['127.0.0.1', undefined, true],
      ['localhost', undefined, false],
      ['127.0.0.1', 'spiffe://example.org/payment', true],
      ['127.0.0.1', 'spiffe://example.org/inventory', false],
    ] as const) {
      const options = { target: `https://${host}:${service.port}`, identity, retries: 0 };
      await using client = disposable(serviceClient({ ...options, ...(serverId === undefined ? {} : { serverId }) }));
      if (fails) await assert.rejects(client.fetch('/'), { code: 'upstream_tls' });
      else assert.equal((await client.fetch('/')).status, 200);
    }
  });
});

describe('in a mesh', () => {
  test('S0-08 neither a certificate nor an Authorization header leaves: the sidecar adds the identity', async () => {
    await using service = await startCalledService();
    await using client = disposable(serviceClient({ target: service.url, mesh: true }));
    await client.fetch('/charge', { method: 'POST', body: '{}' });
    assert.equal(service.calls[0]?.headers.authorization, undefined);
    assert.equal(service.calls.length, 1);
  });

  test('S0-19 S4-013 the token of the application stays where it asks for one, by its settings alone', async () => {
    await using service = await startCalledService();
    for (const [settings, expected] of [
      [{ target: service.url, mesh: true, credentials }, 'Bearer own'],
      [{ target: service.url, development: true, credentials }, 'Bearer own'],
      [{ target: service.url, mesh: true }, undefined],
    ] as const) {
      await using client = disposable(serviceClient(settings));
      await client.json('/');
      assert.equal(service.calls.at(-1)?.headers.authorization, expected);
    }
  });
});

test('S0-28 nothing is sent when there is no proof', async () => {
  await using service = await startCalledService();
  const refusing = { ...credentials, authorize: () => Promise.reject(new Problem('idp_unavailable', 'it is down')) };
  await using client = disposable(serviceClient({ target: service.url, credentials: refusing, development: true }));
  await assert.rejects(client.json('/charge'), { code: 'idp_unavailable' });
  assert.equal(service.calls.length, 0);
});

function disposable<T extends { close(): Promise<void> }>(client: T): T & AsyncDisposable {
  return { ...client, [Symbol.asyncDispose]: () => client.close() };
}
