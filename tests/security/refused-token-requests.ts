/** What a table of refused token requests is tested with: status, error, headers, and one line in the issuer's log. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TokenRequestRow } from '../support/token-request.ts';
import type { AskedIssuer, IssuerAnswer } from './asked-issuer.ts';

export interface RefusedRow extends TokenRequestRow {
  readonly refused: readonly [status: number, error: string];
}

export const FORM = 'application/x-www-form-urlencoded';

/** A test for each row. */
export function describeRefused(issuer: AskedIssuer, rows: readonly RefusedRow[]): void {
  describe('the token endpoint refuses', () => {
    for (const row of rows) {
      const { realm = 'services', body, authorization, contentType = FORM, query = '' } = row;
      const [status, error] = row.refused;
      test(`${row.title} with ${status} ${error}`, async () => {
        const answer = await issuer.send({
          path: `/realms/${realm}/protocol/openid-connect/token${query}`,
          headers: { 'content-type': contentType, ...(authorization === undefined ? {} : { authorization }) },
          body,
        });
        assertRefused(answer, status, error);
        const lines = await issuer.logged(answer.caller);
        assert.deepEqual(
          lines.map(({ decision, error }) => [decision, error]),
          [['refused', error]],
        );
        assert.doesNotMatch(JSON.stringify(lines), /canary/);
      });
    }
  });
}

export function assertRefused({ status, headers, text }: IssuerAnswer, expected: number, error: string): void {
  assert.deepEqual([status, JSON.parse(text).error], [expected, error], text);
  assert.deepEqual(Object.keys(JSON.parse(text)), ['error', 'error_description']);
  assert.equal(headers['content-type'], 'application/json');
  assert.deepEqual([headers['cache-control'], headers.pragma], ['no-store', 'no-cache']);
  assert.equal(headers['www-authenticate']?.startsWith('Basic '), expected === 401 ? true : undefined);
  assert.doesNotMatch(text, /canary|order-service/);
}
