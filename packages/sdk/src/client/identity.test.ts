/** Identities that a Workload API tells: what is shown follows what was told last, and nobody is trusted by default. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCalledService } from '../../../../tests/support/called-service.ts';
import { createTestAuthority } from '../../../../tests/support/certificates.ts';
import { parseSpiffeId } from '../spiffe/spiffe-id.ts';
import type { Watched } from '../workload-api/watched.ts';
import type { X509Context } from '../workload-api/x509-context.ts';
import { identityFromWorkloadApi, serviceClient } from './index.ts';

const ca = createTestAuthority('example.org');
const server = ca.issue({ eku: ['serverAuth'], uris: ['spiffe://example.org/inventory'] });
const tls = { cert: server.certPem, key: server.keyPem, ca: ca.certPem, requestCert: true, rejectUnauthorized: true };

function contextOf(commonName: string, bundles: X509Context['bundles']): X509Context {
  const uri = 'spiffe://example.org/order';
  const { certPem: cert, keyPem: key } = ca.issue({ subject: [{ CN: commonName }], uris: [uri] });
  return { svids: [{ id: parseSpiffeId(uri), cert, key, hint: '', notBefore: 0, notAfter: 0 }], bundles, crl: [] };
}

/** A Workload API that tells what a test says. */
function told(): Watched<X509Context> & { tell(context: X509Context): void } {
  const waiting = Promise.withResolvers<X509Context>();
  let current: X509Context | undefined;
  return {
    current: () => current,
    first: () => waiting.promise,
    failure: () => undefined,
    subscribe: () => () => {},
    close: () => {},
    tell(context) {
      current = context;
      waiting.resolve(context);
    },
  };
}

test('without a bundle of the trust domain there is no identity: Node would trust everybody else', async () => {
  const api = told();
  api.tell(contextOf('order', new Map([['other.org', ca.certPem]])));
  await assert.rejects(identityFromWorkloadApi(api).current(), {
    code: 'not_ready',
    message: /no bundle of example\.org/,
  });
});

test('S4-029 calls show the SVID that was told last, to a server known by its SPIFFE ID', async () => {
  await using service = await startCalledService({ tls, answer: ({ caller }) => ({ body: { caller } }) });
  const api = told();
  const bundles = new Map([['example.org', ca.certPem]]);
  const serverId = 'spiffe://example.org/inventory';
  const client = serviceClient({ target: service.url, identity: identityFromWorkloadApi(api), serverId });
  const first = client.json('/');
  api.tell(contextOf('first', bundles));
  assert.equal(JSON.stringify(await first), '{"caller":"first"}');
  api.tell(contextOf('second', bundles));
  assert.equal(JSON.stringify(await client.json('/')), '{"caller":"second"}');
  assert.equal(JSON.stringify(await client.json('/')), '{"caller":"second"}');
  await client.close();
});
