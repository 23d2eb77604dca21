/** What an authority revokes, and what its sidecars do about it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ORDER_ID, startFollowingSidecar, startRevokingAuthority } from '../support/revoking-authority.ts';

const jtiOf = (token: string): string => {
  const [, payload = ''] = token.split('.');
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { jti: string }).jti;
};

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
});
