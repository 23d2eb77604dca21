/** Who may revoke what others hold, and who may listen: nobody but those whom the configuration lists, or who show a certificate that counts. */
import assert from 'node:assert/strict';
import https from 'node:https';
import { describe, test } from 'node:test';
import { createTestAuthority, type TestCertificate } from '../support/certificates.ts';
import { ORDER_SECRET } from '../support/realms.ts';
import {
  ADMIN_ID,
  ISSUER,
  ORDER_ID,
  type RevokingAuthority,
  startRevokingAuthority,
} from '../support/revoking-authority.ts';
import { until } from '../support/until.ts';

const TOKEN = '/realms/services/protocol/openid-connect/token';
const REVOCATIONS = '/realms/services/revocations';
const orderToken = { grant_type: 'client_credentials', client_id: 'order-service', client_secret: ORDER_SECRET };

describe('revoking', () => {
  test('what is asked by anybody else, or names nothing or too much, is refused and changes nothing', async () => {
    await using authority = await startRevokingAuthority();
    const { ca, form } = authority;
    const what = { client: 'order-service' };
    const admin = { client_id: 'operations', client_secret: 'canary-operations' };
    const ofOthers = createTestAuthority('zone-CA');
    const rows: readonly (readonly [string, number, string, Record<string, string>, TestCertificate?])[] = [
      ['nobody', 401, 'invalid_client', what],
      ['a wrong secret', 401, 'invalid_client', { ...what, ...admin, client_secret: 'wrong' }],
      [
        'a client that is no administrator',
        403,
        'access_denied',
        { ...what, client_id: 'order-service', client_secret: ORDER_SECRET },
      ],
      ['a workload that is none', 403, 'access_denied', what, ca.issue({ uris: [ORDER_ID] })],
      ['a certificate of another authority', 401, 'invalid_client', what, ofOthers.issue({ uris: [ADMIN_ID] })],
      ['a certificate for servers', 401, 'invalid_client', what, ca.issue({ uris: [ADMIN_ID], eku: ['serverAuth'] })],
      [
        'a certificate whose name is the common name',
        401,
        'invalid_client',
        what,
        ca.issue({ subject: [{ CN: ADMIN_ID }] }),
      ],
      ['a certificate with two SPIFFE IDs', 401, 'invalid_client', what, ca.issue({ uris: [ADMIN_ID, ORDER_ID] })],
      [
        'an administrator by certificate and somebody by secret',
        403,
        'access_denied',
        { ...what, client_id: 'order-service', client_secret: ORDER_SECRET },
        ca.issue({ uris: [ADMIN_ID] }),
      ],
      ['nothing', 400, 'invalid_request', admin],
      ['two things', 400, 'invalid_request', { ...admin, ...what, jti: 'x' }],
      ['a token that is none', 400, 'invalid_request', { ...admin, token: 'hello' }],
      ['a SPIFFE ID that is none', 400, 'invalid_request', { ...admin, spiffe_id: 'spiffe://Example.org/a' }],
      ['a name without end', 400, 'invalid_request', { ...admin, subject: 'x'.repeat(1_025) }],
      ['a time without end', 400, 'invalid_request', { ...admin, ...what, expires_in: '1e9' }],
      ['a word for a truth', 400, 'invalid_request', { ...admin, ...what, only_issued: 'yes' }],
    ];
    for (const [title, status, error, parameters, certificate] of rows) {
      for (const path of [REVOCATIONS, `${REVOCATIONS}/lift`]) {
        const answer = await form(path, parameters, certificate);
        assert.deepEqual([answer.status, answer.body['error']], [status, error], title);
      }
    }
    assert.equal((await form(TOKEN, orderToken)).status, 200);
    const { status } = await form(REVOCATIONS, what, ca.issue({ uris: [ADMIN_ID] }));
    assert.equal(status, 200, 'a workload that is an administrator may');
  });

  test('S2-38 a client that is revoked, or whose subject is, gets no token from then on, for no target; another one does, and so does it when that is lifted', async () => {
    await using authority = await startRevokingAuthority();
    const { form, revoke, lift } = authority;
    const other = { grant_type: 'client_credentials', client_id: 'operations', client_secret: 'canary-operations' };
    for (const [what, error] of [
      [{ client: 'order-service' }, 'invalid_client'],
      [{ subject: 'id-of-order-service' }, 'invalid_grant'],
    ] as const) {
      assert.equal((await revoke(what)).status, 200);
      for (const target of [{}, { scope: 'data-service:read' }, { scope: 'data-service:write' }]) {
        assert.equal((await form(TOKEN, { ...orderToken, ...target })).body['error'], error);
      }
      assert.notEqual((await form(TOKEN, other)).body['error'], error);
      assert.equal((await lift(what)).status, 200);
      assert.equal((await form(TOKEN, orderToken)).status, 200);
    }
  });

  test('an administrator that was revoked is none', async () => {
    await using authority = await startRevokingAuthority();
    const workload = authority.ca.issue({ uris: [ADMIN_ID] });
    await authority.revoke({ spiffe_id: ADMIN_ID });
    assert.equal((await authority.form(REVOCATIONS, { jti: 'x' }, workload)).status, 401);
    await authority.revoke({ client: 'operations' });
    assert.equal((await authority.lift({ client: 'operations' })).status, 401);
  });
});

interface Stream extends Disposable {
  readonly status: number;
  text(): string;
  readonly ended: () => boolean;
}

function listen(
  authority: RevokingAuthority,
  client?: TestCertificate,
  headers: Record<string, string> = {},
): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const shown = client === undefined ? {} : { cert: client.certPem, key: client.keyPem };
    const where = {
      host: '127.0.0.1',
      port: authority.port,
      servername: 'localhost',
      ca: authority.ca.certPem,
      agent: false,
    };
    const request = https.get({ ...where, ...shown, path: '/realms/services/events', headers }, (answer) => {
      let text = '';
      let ended = false;
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('close', () => (ended = true)).on('error', () => undefined);
      const { statusCode: status = 0 } = answer;
      resolve({ status, text: () => text, ended: () => ended, [Symbol.dispose]: () => request.destroy() });
    });
    request.on('error', reject);
  });
}

interface SecurityEvent {
  readonly typ: string;
  readonly jti: string;
  readonly aud: string;
  readonly events: Readonly<Record<string, unknown>>;
}

const eventsOf = (stream: Stream): SecurityEvent[] =>
  [...stream.text().matchAll(/^data: ([\w-]+)\.([\w-]+)\./gm)].map(([, header = '', payload = '']) => {
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as SecurityEvent;
    return { ...read(payload), typ: read(header).typ };
  });

describe('listening', () => {
  test('is for those who show a verified certificate that counts', async () => {
    await using authority = await startRevokingAuthority();
    const { ca } = authority;
    const rows: readonly (readonly [string, TestCertificate | undefined, Record<string, string>?])[] = [
      ['nobody', undefined],
      ['a token alone', undefined, { authorization: `Bearer ${await authority.token()}` }],
      [
        'an administrator by its secret',
        undefined,
        { authorization: `Basic ${Buffer.from('operations:canary-operations').toString('base64')}` },
      ],
      ['a header that speaks of a certificate', undefined, { 'x-forwarded-client-cert': `URI=${ORDER_ID}` }],
      ['a certificate of another authority', createTestAuthority('zone-CA').issue({ uris: [ORDER_ID] })],
      ['a certificate for servers', ca.issue({ uris: [ORDER_ID], eku: ['serverAuth'] })],
    ];
    for (const [title, client, headers] of rows) {
      using stream = await listen(authority, client, headers);
      assert.equal(stream.status, 403, title);
    }
    const sidecar = ca.issue({ uris: [ORDER_ID] });
    using stream = await listen(authority, sidecar);
    assert.equal(stream.status, 200);
    await until(() => eventsOf(stream).length === 1);
    const [first] = eventsOf(stream);
    assert.deepEqual([first?.typ, first?.aud], ['secevent+jwt', `${ISSUER}/events`]);
    await authority.revoke({ spiffe_id: ORDER_ID });
    using again = await listen(authority, sidecar);
    assert.equal(again.status, 403);
    await until(() => stream.ended(), 6_000);
    assert.ok(stream.ended(), 'one that was revoked does not go on');
  });

  test('goes on from a place, and gets the whole state for a place of nobody', async () => {
    await using authority = await startRevokingAuthority();
    const sidecar = authority.ca.issue({ uris: [ORDER_ID] });
    using first = await listen(authority, sidecar);
    for (const jti of ['a', 'b', 'c']) await authority.revoke({ jti });
    await until(() => eventsOf(first).length === 4);
    const [, a] = eventsOf(first);
    const kindsOf = async (lastEventId: string, count: number) => {
      using stream = await listen(authority, sidecar, { 'last-event-id': lastEventId });
      await until(() => eventsOf(stream).length >= count);
      return eventsOf(stream).map(({ events }) =>
        Object.keys(events)
          .join()
          .replace(/.*[/:]/, ''),
      );
    };
    assert.deepEqual(await kindsOf(a?.jti ?? '', 2), ['session-revoked', 'session-revoked']);
    for (const place of ['other.3', 'hello', '', `${'x'.repeat(500)}.1`]) {
      assert.deepEqual(await kindsOf(place, 1), ['revocation-state'], place);
    }
  });

  test('is for 128 at once with one certificate; the next is told to come later, and may when one has gone', async () => {
    await using authority = await startRevokingAuthority();
    const sidecar = authority.ca.issue({ uris: [ORDER_ID] });
    using streams = new DisposableStack();
    for (let count = 0; count < 127; count += 1) streams.use(await listen(authority, sidecar));
    {
      using last = await listen(authority, sidecar);
      assert.equal(last.status, 200);
      using beyond = await listen(authority, sidecar);
      assert.equal(beyond.status, 503);
      using other = await listen(authority, authority.ca.issue({ uris: [ORDER_ID] }));
      assert.equal(other.status, 200);
    }
    let status = 0;
    for (let tries = 0; tries < 100 && status !== 200; tries += 1) {
      using again = await listen(authority, sidecar);
      status = again.status;
    }
    assert.equal(status, 200);
  });
});
