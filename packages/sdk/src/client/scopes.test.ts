/** What does not compile, and what happens to those who do it anyway. `tsc` holds the first half: every expectation must be an error. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCalledService } from '../../../../tests/support/called-service.ts';
import { operation, type ServiceClient, serviceClient, staticToken } from './index.ts';

const charge = operation({
  method: 'POST',
  path: '/charge',
  scopes: ['payment:charge'],
  movesMoney: true,
  read: (answer) => answer,
});
const refund = operation({
  method: 'POST',
  path: '/refund',
  scopes: ['payment:refund'],
  movesMoney: true,
  read: (answer) => answer,
});
const health = operation({ method: 'GET', path: '/health', scopes: [], read: (answer) => answer });

test('S0-42 a client for payment:charge cannot refund: it does not compile, and throws before anything is sent', async () => {
  await using service = await startCalledService();
  const credentials = staticToken('abc', ['payment:charge']);
  const payments = serviceClient({ target: service.url, credentials, development: true });
  // @ts-expect-error this client has no payment:refund
  await assert.rejects(payments.call(refund, { body: {} }), { name: 'TypeError', message: /needs payment:refund/ });
  assert.equal(service.calls.length, 0);
  await payments.call(charge, { body: {} });
  await payments.call(health);
  assert.deepEqual(
    service.calls.map(({ target }) => target),
    ['/charge', '/health'],
  );
  await payments.close();
});

test('a client with more scopes serves where fewer are needed, never the other way round', () => {
  type One = ServiceClient<'payment:charge'>;
  type Two = ServiceClient<'payment:charge' | 'payment:refund'>;
  const fewer = (client: Two): One => client;
  // @ts-expect-error one scope is less than two
  const more = (client: One): Two => client;
  // @ts-expect-error no scope is less than one
  const any = (client: ServiceClient): One => client;
  assert.ok([fewer, more, any].every((each) => typeof each === 'function'));
});

test('S0-02 a client without any proof does not compile', () => {
  // @ts-expect-error neither identity nor credentials nor mesh
  assert.throws(() => serviceClient({ target: 'https://payment-service.internal' }), /proves who calls/);
  // @ts-expect-error a trust bundle proves nothing of the caller
  assert.throws(() => serviceClient({ target: 'https://payment-service.internal', ca: 'x' }), /proves who calls/);
});

test('S0-65 a call has no way to take an incoming Authorization value', async () => {
  await using service = await startCalledService();
  const client = serviceClient({ target: service.url, credentials: staticToken('own'), development: true });
  const refused = { name: 'TypeError', message: /set by the client itself/ };
  const value = 'Bearer of-the-user';
  // @ts-expect-error credentials are the client's
  await assert.rejects(client.fetch('/', { headers: { authorization: value } }), refused);
  // @ts-expect-error in either spelling
  await assert.rejects(client.fetch('/', { headers: { Authorization: value } }), refused);
  await assert.rejects(client.fetch('/', { headers: { aUTHORIZATION: value } }), refused);
  await assert.rejects(client.fetch('/', { headers: { 'x-user-role': 'admin' } }), refused);
  assert.equal(service.calls.length, 0);
  await client.close();
});
