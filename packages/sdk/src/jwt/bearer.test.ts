import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Problem, type ProblemCode } from '../problem.ts';
import { readBearer } from './bearer.ts';

function refused(rawHeaders: readonly string[], code: ProblemCode, options = {}): void {
  assert.throws(
    () => readBearer(rawHeaders, options),
    (error) => error instanceof Problem && error.code === code,
    `${JSON.stringify(rawHeaders)} must be ${code}`,
  );
}

test('C-074 two Authorization headers are refused, in any case and any position', () => {
  refused(['Authorization', 'Bearer a', 'Authorization', 'Bearer a'], 'duplicate_header');
  refused(['authorization', 'Bearer a', 'X-Other', 'b', 'AUTHORIZATION', 'Bearer b'], 'duplicate_header');
  refused(['Authorization', 'Basic a', 'Authorization', 'Bearer b'], 'duplicate_header');
  refused(['Authorization', '', 'Authorization', 'Bearer b'], 'duplicate_header');
});

test('C-075 anything but one scheme, one space and one token is malformed', () => {
  for (const value of [
    'Bearer  T',
    'Bearer\tT',
    'Bearer \tT',
    'Bearer T ',
    'Bearer { ',
    'Bearer {"payload":"a"} ',
    'Bearer  {}',
    ' Bearer T',
    'Bearer',
    'Bearer ',
    'Bearer T, Basic x',
    'Bearer T,U',
    'Bearer ,',
    'Bearer T\u00a0',
    'Bearer é',
    'Bearer T\r\nX: y',
    'Bearer T\u0000',
    '',
    ' ',
    'Bearer: T',
    'Bearer"T',
    'Bearer,Basic T',
    '\tBearer T',
  ]) {
    refused(['Authorization', value], 'authorization_malformed');
  }
});

test('C-076 another scheme asks for a bearer token', () => {
  for (const value of [
    'Basic T',
    'Negotiate',
    'Negotiate abc==',
    'DPoP T',
    'Digest a="b", c="d"',
    'BearerX T',
    'Bear T',
    'T.T.T',
  ]) {
    refused(['Authorization', value], 'token_missing');
    assert.throws(
      () => readBearer(['Authorization', value]),
      (error) => error instanceof Problem && error.row.challenge === '',
    );
  }
});

test('C-077 a token anywhere else is not seen', () => {
  for (const name of [
    'Cookie',
    'Proxy-Authorization',
    'Sec-WebSocket-Protocol',
    'X-Authorization',
    'Authorization ',
    'Author\u0131zation',
  ]) {
    refused([name, 'Bearer T'], 'token_missing');
  }
  refused([], 'token_missing');
  refused(['X', 'Authorization', 'Y', 'Bearer T'], 'token_missing');
});

test('C-025 what is no token character but printable reaches the token reader, which knows the better answer', () => {
  for (const token of [
    'a?b',
    'a=',
    'a+b/c',
    'a b',
    'a.b c.d',
    '.'.repeat(8000),
    '{"payload":"a","signatures":[]}',
    '{"payload": "a", "signatures": []}',
  ]) {
    assert.equal(readBearer(['Authorization', `Bearer ${token}`]), token);
  }
});

test('S3-154 S3-155 header and scheme are Authorization and Bearer unless configured, and compare without case', () => {
  assert.equal(readBearer(['aUTHORIZATION', 'bEARER T']), 'T');
  assert.equal(readBearer(['X-Token', 'JWT T', 'Authorization', 'Basic x'], { header: 'x-token', scheme: 'jwt' }), 'T');
  refused(['Authorization', 'Bearer T'], 'token_missing', { header: 'X-Token' });
});

test('C-074 the duplicate that node hides in its parsed headers is seen in the raw ones', async () => {
  const { promise, resolve } = Promise.withResolvers<string[]>();
  await using server = createServer((incoming, response) => {
    resolve(incoming.rawHeaders);
    response.end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const headers = ['Host', 'a', 'Authorization', 'Bearer good', 'authorization', 'Bearer evil'];
  request({ port: address.port, host: '127.0.0.1', headers, agent: false }, (answer) => answer.resume()).end();
  refused(await promise, 'duplicate_header');
});

test('header values of any kind give one token without outer spaces, or a Problem', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary', maxLength: 12 }), { maxLength: 6 }),
      fc.string({ maxLength: 20 }),
      (others, rest) => {
        try {
          assert.match(
            readBearer([...others, 'Authorization', `Bearer ${rest}`]),
            /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/,
          );
        } catch (error) {
          assert.ok(error instanceof Problem);
        }
      },
    ),
  );
});
