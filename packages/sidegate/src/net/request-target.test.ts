import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Problem } from '@sidegate/sdk';
import fc from 'fast-check';
import { requestHead } from '../../../../tests/support/fields.ts';
import { DEFAULT_TARGET_LIMITS, parseRequestTarget, type RequestTarget } from './request-target.ts';

type Line = Parameters<typeof requestHead>[0];

function parse(line: Line): RequestTarget {
  return parseRequestTarget(requestHead(line), DEFAULT_TARGET_LIMITS);
}

function codeOf(line: Line): string {
  try {
    parse(line);
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    return error.code;
  }
}

const AMBIGUOUS: readonly (readonly [title: string, url: string])[] = [
  ['C-078 a dot segment', '/public/../admin'],
  ['C-079 an encoded dot segment', '/public/%2e%2e/admin'],
  ['C-079 a half encoded dot segment', '/public/.%2E/admin'],
  ['C-080 an encoded slash', '/public/..%2fadmin'],
  ['C-080 an encoded backslash', '/public/..%5cadmin'],
  ['C-081 a path parameter after dots', '/public/..;/admin'],
  ['C-081 a path parameter', '/admin;x=1'],
  ['C-082 an empty first segment', '//admin'],
  ['C-082 an empty middle segment', '/a//admin'],
  ['C-083 a single dot', '/./admin'],
  ['C-083 a final dot', '/admin/.'],
  ['C-079 dots in full width', '/public/%ef%bc%8e%ef%bc%8e/admin'],
  ['C-080 a slash in full width', '/public%ef%bc%8fadmin'],
  ['C-080 a division slash', '/public%e2%88%95admin'],
  ['C-087 an encoded line separator', '/admin%e2%80%a8'],
  ['C-086 an encoded NUL', '/admin%00'],
  ['C-087 an encoded line end', '/admin%0d%0a'],
  ['C-087 an encoded tab', '/admin%09'],
  ['C-088 a wrong percent-encoding', '/%zz'],
  ['C-088 a lone percent sign', '/%'],
  ['C-088 a %u encoding', '/%u0061'],
  ['C-089 a double encoding', '/%252e%252e'],
  ['C-090 overlong UTF-8', '/%c0%ae'],
  ['C-090 a byte that is not UTF-8', '/%ff'],
  ['C-091 a backslash', '/a\\..\\admin'],
  ['C-092 a raw byte above ASCII', '/\u00e9'],
  ['C-093 a fragment', '/admin#x'],
  ['C-093 a fragment in the query', '/admin?a#x'],
  ['C-097 no leading slash', 'admin'],
  ['C-098 an asterisk', '*'],
];

describe('request target', () => {
  for (const [title, url] of AMBIGUOUS) {
    test(`${title} is path_ambiguous (S3-211)`, () => assert.equal(codeOf({ target: url }), 'path_ambiguous'));
  }

  const REFUSED: readonly (readonly [title: string, line: Line, code: string])[] = [
    ['C-095 another host in absolute form', { target: 'http://evil/admin' }, 'host_mismatch'],
    ['C-095 another port in absolute form', { target: 'http://a.example:8080/' }, 'host_mismatch'],
    [
      'C-095 the port of another scheme',
      { target: 'https://a.example/', pairs: ['Host', 'a.example:80'] },
      'host_mismatch',
    ],
    ['C-098 OPTIONS *', { target: '*', method: 'OPTIONS' }, 'method_not_allowed'],
    ['C-099 CONNECT', { target: '/', method: 'CONNECT' }, 'method_not_allowed'],
    ['C-099 TRACE', { target: '/', method: 'TRACE' }, 'method_not_allowed'],
    ['C-105 a path of 16 KB', { target: `/${'a'.repeat(16_384)}` }, 'target_too_long'],
    ['C-126 2,100 headers', { target: '/', pairs: Array.from({ length: 4200 }, () => 'X-A') }, 'too_many_headers'],
    ['C-127 two Host headers', { target: '/', pairs: ['Host', 'a', 'host', 'a'] }, 'duplicate_header'],
    ['C-128 an empty Host', { target: '/', pairs: ['Host', ''] }, 'host_invalid'],
    ['C-128 userinfo in Host', { target: '/', pairs: ['Host', 'user@a'] }, 'host_invalid'],
    ['C-128 a comma in Host', { target: '/', pairs: ['Host', 'a,b'] }, 'host_invalid'],
    ['no Host in HTTP/1.1', { target: '/', pairs: [] }, 'host_invalid'],
  ];
  for (const [title, line, code] of REFUSED) test(`${title} is ${code}`, () => assert.equal(codeOf(line), code));

  const ACCEPTED: readonly (readonly [url: string, path: string, query: string])[] = [
    ['/', '/', ''],
    ['/admin/', '/admin/', ''],
    ['/orders/1%20a?x=1', '/orders/1%20a', 'x=1'],
    ['/orders?', '/orders', ''],
    ['/100%25', '/100%25', ''],
    ['/caf%C3%A9', '/caf%C3%A9', ''],
    ['/.well-known/x', '/.well-known/x', ''],
    ['/private?p=/status/../x', '/private', 'p=/status/../x'],
    ['http://A.Example/x?y', '/x', 'y'],
    ['http://a.example', '/', ''],
    ['http://a.example:80/x', '/x', ''],
    ['/%E2%82%AC/%F0%9F%98%80/%C2%BD', '/%E2%82%AC/%F0%9F%98%80/%C2%BD', ''],
  ];
  for (const [url, path, query] of ACCEPTED) {
    test(`${url} is the path ${path} with the query "${query}"`, () => {
      const target = parse({ target: url });
      assert.deepEqual([target.path, target.query, target.host], [path, query, 'a.example']);
    });
  }

  for (const host of ['Secret.com', 'secret.com.', 'secret.com:443']) {
    test(`C-108 Host ${host} is secret.com`, () => {
      assert.equal(parse({ target: '/', pairs: ['Host', host] }).host, 'secret.com');
    });
  }

  test('HTTP/1.0 without Host is served', () => {
    assert.equal(parse({ target: '/', version: '1.0', pairs: [] }).host, '');
  });

  test('an accepted path is forwarded byte for byte and decodes in one way only', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            '/',
            '.',
            '%',
            ';',
            '\\',
            '#',
            '?',
            'a',
            'Z',
            '0',
            '2',
            '5',
            'e',
            'E',
            'f',
            'c',
            '\u00e9',
            ' ',
            '"',
          ),
        }),
        (text) => {
          const url = `/${text}`;
          if (codeOf({ target: url }) !== 'accepted') return;
          const { path, query } = parse({ target: url });
          assert.ok(url === path || url === `${path}?${query}`);
          assert.doesNotMatch(decodeURIComponent(path), /\/\/|\/\.{1,2}(?:\/|$)|[\\;\0]/);
        },
      ),
    );
  });
});
