/** Services and users written in Python: httpx and authlib against the lab, with nothing of ours on their side. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import type { LabEvent } from '../../packages/sidegate/src/lab/event.ts';
import { LAB, startLab } from '../support/lab-run.ts';
import { runProgram } from './foreign-program.ts';
import { peersPython, withoutPython } from './python-packages.ts';

const CLIENT = path.join(import.meta.dirname, 'python/client.py');

const REFUSED: readonly (readonly [id: string, attempt: string, expected: RegExp])[] = [
  ['S3-014', 'token without a certificate', /^OAuthError invalid_/],
  ['S3-022', 'token with a wrong secret', /^OAuthError (?:invalid_client|unauthorized_client)$/],
  ['S3-131', 'call without a certificate', /^(?:ReadError|RemoteProtocolError|ConnectError|WriteError)$/],
  ['S3-015', 'call without a token', /^401 token_missing$/],
  ['S3-014', 'call with the certificate of another', /^401 token_binding_mismatch$/],
  ['S3-016', 'call with the token of another', /^401 token_binding_mismatch$/],
  ['S3-083', 'call that the policy denies', /^403 policy_denied$/],
  ['S3-085', 'user with a wrong password', /^OAuthError invalid_grant$/],
  ['S3-030', 'user without a token', /^401 token_missing$/],
];
const PASSED: readonly (readonly [id: string, attempt: string, status: string])[] = [
  ['S0-18', 'call', '200'],
  ['S0-18 S3-107', 'call with a body', '201'],
  ['S0-18', 'many calls at once', '200'],
  ['S3-108', 'user', '201'],
];

describe('httpx and authlib', { skip: withoutPython() }, () => {
  let outcomes: Readonly<Record<string, string>>;
  before(async () => {
    await using lab = startLab(LAB, '--json');
    const events = (await lab.until(/"event":"summary"/))
      .split('\n')
      .flatMap((line) => (line.endsWith('}') ? [JSON.parse(line) as LabEvent] : []));
    const address = (name: string): string => {
      const started = events.find((event) => event.event === 'process' && event.name === name);
      assert.ok(started?.event === 'process', name);
      return started.addresses[0] ?? '';
    };
    const secrets = JSON.parse(readFileSync(path.join(lab.state, 'secrets.json'), 'utf8')) as Record<string, string>;
    const place = {
      certificates: path.join(lab.state, 'etc/certs'),
      idp: address('keycloak'),
      data: `https://${address('data-service')}`,
      gateway: `https://${address('api-gateway')}`,
      password: secrets['LAB_PASSWORD_JOHN'],
      secrets: {
        'order-service': secrets['ORDER_SERVICE_CLIENT_SECRET'],
        'payment-service': secrets['PAYMENT_SERVICE_CLIENT_SECRET'],
      },
    };
    const { code, stdout, stderr } = await runProgram(peersPython() ?? 'python3', [CLIENT], [JSON.stringify(place)]);
    assert.equal(code, 0, stderr);
    outcomes = JSON.parse(stdout) as typeof outcomes;
  });

  for (const [id, attempt, expected] of REFUSED) {
    test(`${id} ${attempt}: refused`, () => assert.match(outcomes[attempt] ?? '', expected));
  }

  for (const [id, attempt, status] of PASSED) {
    test(`${id} ${attempt}: ${status}`, () => assert.equal(outcomes[attempt], status));
  }

  test('every attempt that Python makes is told here', () => {
    const told = [...REFUSED, ...PASSED].map(([, attempt]) => attempt);
    assert.deepEqual(Object.keys(outcomes).toSorted(), told.toSorted());
  });
});
