/** What an authority revokes, and what its sidecars do about it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import tls from 'node:tls';
import { startKeptAuthority } from '../support/kept-authority.ts';
import {
  type FollowingSidecar,
  ORDER_ID,
  startFollowingSidecar,
  startRevokingAuthority,
} from '../support/revoking-authority.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { HANDSHAKE, openWebSocket, startWebSocketService } from '../support/websocket.ts';

const jtiOf = (token: string): string => {
  const [, payload = ''] = token.split('.');
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { jti: string }).jti;
};

const JSON_TYPE = { 'content-type': 'application/json' };

describe('a sidecar that follows its authority', () => {
  const SELECTORS = [
    ['the token itself', (token: string) => ({ token }), 'token_revoked', true],
    ['its jti', (token: string) => ({ jti: jtiOf(token) }), 'token_revoked', true],
    ['its client', () => ({ client: 'order-service' }), 'peer_revoked', false],
    ['its subject', () => ({ subject: 'id-of-order-service' }), 'token_revoked', false],
    ['the SPIFFE ID of its client', () => ({ spiffe_id: ORDER_ID }), 'peer_revoked', false],
  ] as const;
  for (const [title, selector, code, single] of SELECTORS) {
    test(`S2-38 what is revoked by ${title} is refused within two seconds, though it was served and is remembered, until that is lifted`, async () => {
      await using authority = await startRevokingAuthority();
      await using following = await startFollowingSidecar(authority);
      const [token, another] = [await authority.token(), await authority.token()];
      for (const _twice of [1, 2]) assert.equal(await following.outcome(token), 200);
      assert.equal(await following.outcome(another), 200);
      const begun = performance.now();
      const { status, body } = await authority.revoke(selector(token));
      assert.equal(status, 200, JSON.stringify(body));
      await following.becomes(code, token);
      assert.ok(performance.now() - begun < 2_000);
      assert.equal(await following.outcome(another), single ? 200 : code);
      assert.equal((await authority.lift(selector(token))).status, 200);
      await following.becomes(200, token);
    });
  }

  test('what was issued so far is refused by only_issued, what is issued from the next second on is served', async () => {
    await using authority = await startRevokingAuthority();
    await using following = await startFollowingSidecar(authority);
    const token = await authority.token();
    assert.equal((await authority.revoke({ subject: 'id-of-order-service', only_issued: 'true' })).status, 200);
    await following.becomes('token_revoked', token);
    const second = Math.floor(Date.now() / 1000);
    await until(() => Math.floor(Date.now() / 1000) > second);
    assert.equal(await following.outcome(await authority.token()), 200);
    assert.equal(await following.outcome(token), 'token_revoked');
  });

  test('a JWT-SVID of a workload that was revoked is refused beside any certificate, an old one for what was issued so far, and those of others are served', async () => {
    const key = createSigningKey('ES256', 'svid-1');
    const svid = (sub: string, iat = Math.floor(Date.now() / 1000)) =>
      mint({ sub, aud: 'data-service', iat, exp: iat + 300 }, { key, header: { typ: 'JWT' } });
    await using authority = await startRevokingAuthority();
    await using following = await startFollowingSidecar(authority, {
      jwt: 'trust_domains: [{ trust_domain: example.org, audience: data-service, bundle_file: /bundle.json }]',
      files: { '/bundle.json': keySetBytes(key.jwk({ use: 'jwt-svid' })).toString() },
      bound: false,
    });
    const [token, another] = [svid(ORDER_ID), svid('spiffe://example.org/zone2/another')];
    for (const each of [token, another]) assert.equal(await following.outcome(each, following.other), 200);
    assert.equal((await authority.revoke({ spiffe_id: ORDER_ID, only_issued: 'true' })).status, 200);
    await following.becomes('token_revoked', token, following.other);
    const second = Math.floor(Date.now() / 1000);
    await until(() => Math.floor(Date.now() / 1000) > second);
    assert.equal(await following.outcome(svid(ORDER_ID), following.other), 200);
    await authority.revoke({ spiffe_id: ORDER_ID });
    await following.becomes('token_revoked', svid(ORDER_ID), following.other);
    assert.equal(await following.outcome(another, following.other), 200);
    await authority.lift({ spiffe_id: ORDER_ID });
    await following.becomes(200, svid(ORDER_ID), following.other);
  });

  test('a token of a revoked client is refused from a peer that may forward it, and that peer is served', async () => {
    await using authority = await startRevokingAuthority();
    await using following = await startFollowingSidecar(authority);
    const token = await authority.token();
    assert.equal(await following.outcome(token, following.other), 200);
    await authority.revoke({ client: 'order-service' });
    await following.becomes('token_revoked', token, following.other);
    assert.equal(await following.outcome(token), 'peer_revoked');
  });

  test('a decision that is remembered lets no revoked token in, and a gateway that asks is told the same', async () => {
    await using authority = await startRevokingAuthority();
    await using following = await startFollowingSidecar(authority, {
      authz: '{ policy_query: data.p.allow }',
      policy: 'package p\n\nimport rego.v1\n\nallow if input.token.sub == "id-of-order-service"\n',
      chapters: 'cache: { l1: { enabled: true } }',
    });
    const token = await authority.token();
    const question = {
      request: { method: 'GET', path: '/', host: 'localhost' },
      token,
      mtls: { certificate: following.order.certPem },
    };
    const decided = async () => {
      const url = `http://127.0.0.1:${following.sidecar.adminPort}/v1/authorize`;
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify(question), headers: JSON_TYPE });
      const { decision, code } = (await answer.json()) as { decision: string; code?: string };
      return [decision, code];
    };
    for (const _remembered of [1, 2]) assert.equal(await following.outcome(token), 200);
    assert.match(await following.metrics(), /authz_decision_cache_lookups_total\{result="hit"\} [1-9]/);
    assert.deepEqual(await decided(), ['allow', undefined]);
    await authority.revoke({ token });
    await following.becomes('token_revoked', token);
    assert.deepEqual(await decided(), ['deny', 'token_revoked']);
    await authority.revoke({ spiffe_id: ORDER_ID });
    await following.becomes('peer_revoked', token);
    assert.deepEqual(await decided(), ['deny', 'peer_revoked']);
  });

  test('a refusal is answered like every other one, and recorded once', async () => {
    await using authority = await startRevokingAuthority();
    await using following = await startFollowingSidecar(authority);
    const token = await authority.token();
    await authority.revoke({ token });
    await following.becomes('token_revoked', token);
    const answer = await following.send(token);
    assert.deepEqual([answer.status, answer.headers['www-authenticate']], [401, 'Bearer error="invalid_token"']);
    const record = following.sidecar.audit.at(-1);
    assert.deepEqual([record?.['decision'], record?.['code']], ['deny', 'token_revoked']);
    assert.ok(!JSON.stringify(following.sidecar.audit).includes(token));
  });

  test('a sidecar that starts after the revocation knows of it, and one that was started before the authority is not ready until then', async () => {
    await using authority = await startKeptAuthority();
    const token = await authority.token();
    await authority.revoke({ token });
    await authority.stop();
    await using following = await startFollowingSidecar(authority, { ready: false });
    const ready = async () => (await fetch(`http://127.0.0.1:${following.sidecar.adminPort}/ready`)).json();
    await until(() => following.sidecar.log().includes('revocations cannot be followed'));
    assert.deepEqual(
      ((await ready()) as { reasons: { code: string }[] }).reasons.map(({ code }) => code),
      ['revocations_unknown'],
    );
    assert.equal(await following.outcome(token), 'revocations_unavailable');
    await authority.start();
    await following.sidecar.ready;
    assert.equal(await following.outcome(token), 'token_revoked');
    assert.equal(await following.outcome(await authority.token()), 200);
  });

  test('S4-068 validation asks nobody: an authority that restarts is not missed, and what it revoked before and after is refused', async () => {
    await using authority = await startKeptAuthority();
    await using following = await startFollowingSidecar(authority, { revocation: 'max_gap: 20s' });
    const [before, after, good] = [await authority.token(), await authority.token(), await authority.token()];
    await authority.revoke({ token: before });
    await following.becomes('token_revoked', before);
    await authority.stop();
    await until(() => following.sidecar.log().includes('revocations cannot be followed'));
    const asked = authority.jwks.requests.length;
    assert.deepEqual([await following.outcome(before), await following.outcome(good)], ['token_revoked', 200]);
    assert.equal(authority.jwks.requests.length, asked);
    await authority.start();
    await authority.revoke({ token: after });
    await following.becomes('token_revoked', after);
    assert.deepEqual([await following.outcome(before), await following.outcome(good)], ['token_revoked', 200]);
  });

  for (const [onUnavailable, good] of [
    ['refuse', 'revocations_unavailable'],
    ['serve', 200],
  ] as const) {
    test(`on_unavailable: ${onUnavailable} says what happens once the authority was away for longer than max_gap`, async () => {
      await using authority = await startKeptAuthority();
      await using following = await startFollowingSidecar(authority, {
        revocation: `max_gap: 1s, on_unavailable: ${onUnavailable}`,
      });
      const [token, revoked] = [await authority.token(), await authority.token()];
      await authority.revoke({ token: revoked });
      await following.becomes('token_revoked', revoked);
      assert.match(await following.metrics(), /authz_revocations_known\{issuer="[^"]+"\} 1\n/);
      await authority.stop();
      await until(() => following.sidecar.log().includes('is not known any more'), 10_000);
      assert.equal(await following.outcome(token), good);
      assert.equal(await following.outcome(revoked), onUnavailable === 'serve' ? 'token_revoked' : good);
      assert.match(await following.metrics(), /authz_revocations_known\{issuer="[^"]+"\} 0\n/);
      await authority.start();
      await following.becomes(200, token);
      assert.equal(await following.outcome(revoked), 'token_revoked');
    });
  }

  test('more revocations than may be remembered count as not known', async () => {
    await using authority = await startRevokingAuthority();
    await using following = await startFollowingSidecar(authority, { revocation: 'max_gap: 1s, max_entries: 2' });
    const token = await authority.token();
    for (const jti of ['a', 'b']) await authority.revoke({ jti });
    assert.equal(await following.outcome(token), 200);
    await authority.revoke({ jti: 'c' });
    await following.becomes('revocations_unavailable', token);
    await authority.lift({ jti: 'a' });
    await following.becomes(200, token);
  });
});

/** A request without an answer yet, on a connection that stays. */
function openConnection(following: FollowingSidecar, client = following.order) {
  const { port, tls: secure } = following.wire(client);
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ...secure });
  let received = '';
  let closed = false;
  socket.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')));
  socket.on('error', () => undefined);
  socket.on('close', () => (closed = true));
  return {
    ask: (token: string, target = '/') =>
      socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`),
    received: () => received,
    closed: () => closed,
    [Symbol.dispose]: () => socket.destroy(),
  };
}

describe('the open connections of a revoked identity', () => {
  for (const [title, what] of [
    ['SPIFFE ID', { spiffe_id: ORDER_ID }],
    ['client', { client: 'order-service' }],
  ] as const) {
    test(`are cut within two seconds when its ${title} is revoked: idle, not yet used, and in the middle of an answer; those of others stay`, async () => {
      await using authority = await startRevokingAuthority();
      await using following = await startFollowingSidecar(authority, {
        answer: ({ url }, response) => {
          response.write('{"ok":true}');
          if (url !== '/endless') response.end();
        },
      });
      const token = await authority.token();
      using idle = openConnection(following);
      using unused = openConnection(following);
      using streaming = openConnection(following);
      using other = openConnection(following, following.other);
      for (const connection of [idle, other]) connection.ask(token);
      streaming.ask(token, '/endless');
      await until(() => [idle, streaming, other].every((connection) => connection.received().includes('{"ok":true}')));
      const begun = performance.now();
      assert.equal((await authority.revoke(what)).status, 200);
      await until(() => [idle, unused, streaming].every((connection) => connection.closed()));
      assert.ok(performance.now() - begun < 2_000);
      assert.deepEqual(
        [idle, unused, streaming, other].map((connection) => connection.closed()),
        [true, true, true, false],
      );
      assert.equal(await following.outcome(token), 'peer_revoked');
    });
  }

  for (const [title, what] of [
    ['the token of a WebSocket', (token: string) => ({ token })],
    ['the subject of its token', () => ({ subject: 'id-of-order-service' })],
    ['the SPIFFE ID of its peer', () => ({ spiffe_id: ORDER_ID })],
    ['the client of its peer', () => ({ client: 'order-service' })],
  ] as const) {
    test(`a WebSocket ends within two seconds when ${title} is revoked`, async () => {
      await using authority = await startRevokingAuthority();
      await using service = await startWebSocketService();
      await using following = await startFollowingSidecar(authority, {
        upstreamPort: service.port,
        routes: '[{ path: /**, websocket: true }]',
      });
      const token = await authority.token();
      const bytes = `GET /chat HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n${HANDSHAKE}\r\n`;
      using socket = openWebSocket(following.wire(), bytes);
      assert.match(await socket.receives('\r\n\r\n'), /^HTTP\/1\.1 101 /);
      await authority.revoke({ jti: 'of another token' });
      socket.socket.write('hello');
      await socket.receives('HELLO');
      assert.equal(socket.socket.destroyed, false);
      const begun = performance.now();
      assert.equal((await authority.revoke(what(token))).status, 200);
      await socket.closed;
      assert.ok(performance.now() - begun < 2_000, `${performance.now() - begun} ms`);
      await until(() => service.sockets.size === 0);
      assert.equal(service.sockets.size, 0, 'the service is told as well');
    });
  }
});
