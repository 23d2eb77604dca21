import assert from 'node:assert/strict';
import { test } from 'node:test';
import { componentNamed } from './component.ts';
import { componentValue } from './component-value.ts';
import type { SignedMessage, SignedRequest } from './message.ts';

const REQUEST: SignedRequest = {
  method: 'POST',
  scheme: 'https',
  authority: 'WWW.Example.com:443',
  target: '/path?param=value&foo=bar&baz=bat%2Dman&qux=&twice=1&twice=2&bad=%ff',
  headers: [
    ['X-OWS-Header', '  Leading and trailing whitespace.   '],
    ['X-Obs-Fold-Header', 'Obsolete\r\n    line folding.'],
    ['Cache-Control', 'max-age=60'],
    ['X-Empty-Header', ''],
    ['cache-control', '   must-revalidate'],
    ['Example-Dict', ' a=1,   b=2;x=1;y=2,   c=(a   b   c), d '],
    ['Example-Header', 'value, with, lots'],
    ['Example-Header', 'of, commas'],
    ['Split', 'one\nforged: line'],
    ['Latin', 'caf\u00e9'],
    ['Priority', 'u=1, u=2'],
    ['Signature', 'sig1=:AAEC:'],
  ],
  trailers: [['Expires', 'Wed, 9 Nov 2022 07:28:00 GMT']],
};
const RESPONSE: SignedMessage = { status: 503, headers: [['Content-Length', '62']], request: REQUEST };
const value = (message: SignedMessage, name: string) =>
  componentValue(message, componentNamed(name), { 'example-dict': 'dictionary' });

const INVALID: readonly [name: string, message: SignedMessage, why: string][] = [
  ['x-missing', REQUEST, 'the field is not there'],
  ['expires', REQUEST, 'it is a trailer'],
  ['cache-control;tr', REQUEST, 'it is no trailer'],
  ['split', REQUEST, 'a line break would forge a line of the base'],
  ['latin', REQUEST, 'it is not ASCII'],
  ['example-header;sf', REQUEST, 'its structure is not known'],
  ['priority;sf', REQUEST, 'it names a member twice'],
  ['priority;key="u"', REQUEST, 'it names the member twice'],
  ['example-dict;key="e"', REQUEST, 'the member is not there'],
  ['example-dict;key="constructor"', REQUEST, 'the member is not there'],
  ['@query-param;name="twice"', REQUEST, 'it comes twice'],
  ['@query-param;name="none"', REQUEST, 'it is not there'],
  ['@query-param;name="bad"', REQUEST, 'it is not UTF-8'],
  ['@status', REQUEST, 'a request has none'],
  ['@method', RESPONSE, 'a response has none'],
  ['@method;req', REQUEST, 'a request answers no other'],
  ['@method;req', { status: 200, headers: [] }, 'the request is not known'],
  ['@path', { ...REQUEST, target: 'www.example.com:443' }, 'CONNECT has no path'],
];
for (const [name, message, why] of INVALID) {
  test(`the component ${name} is refused when ${why}`, () => {
    assert.throws(() => value(message, name), { name: 'Problem', code: 'signature_invalid' });
  });
}

test('C-223: unknown, misplaced and mistyped component parameters and names are refused', () => {
  const names = [
    'date;foo',
    'date;constructor',
    'date;name="x"',
    'date;sf=?0',
    'date;sf="x"',
    'date;key',
    'date;bs;sf',
    'date;bs;key="a"',
    '@method;sf',
    '@query-param',
    '@query-param;name=Pet',
    '@status;req',
    '@signature-params',
    '@unknown',
    'Date',
    'da te',
    '',
    'date";created="x',
    'caf\u00e9',
  ];
  for (const name of names)
    assert.throws(() => componentNamed(name), { name: 'Problem', code: 'signature_invalid' }, name);
});

const VALUES: readonly [name: string, expected: string, message?: SignedMessage][] = [
  // RFC 9421 section 2.1
  ['x-ows-header', 'Leading and trailing whitespace.'],
  ['x-obs-fold-header', 'Obsolete line folding.'],
  ['cache-control', 'max-age=60, must-revalidate'],
  ['x-empty-header', ''],
  ['example-header', 'value, with, lots, of, commas'],
  ['example-dict', 'a=1,   b=2;x=1;y=2,   c=(a   b   c), d'],
  ['example-dict;sf', 'a=1, b=2;x=1;y=2, c=(a b c), d'],
  ['example-dict;key="a"', '1'],
  ['example-dict;key="b"', '2;x=1;y=2'],
  ['example-dict;key="c"', '(a b c)'],
  ['example-dict;key="d"', '?1'],
  ['example-header;bs', ':dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:'],
  ['latin;bs', ':Y2Fm6Q==:'],
  ['expires;tr', 'Wed, 9 Nov 2022 07:28:00 GMT'],
  // section 2.2
  ['@method', 'POST'],
  ['@authority', 'www.example.com'],
  ['@authority', 'www.example.com:8443', { ...REQUEST, authority: 'www.example.com:8443' }],
  ['@authority', 'www.example.com:443', { ...REQUEST, scheme: 'http' }],
  ['@scheme', 'https', { ...REQUEST, scheme: 'HTTPS' }],
  ['@target-uri', 'https://www.example.com/path?a', { ...REQUEST, authority: 'www.example.com', target: '/path?a' }],
  ['@target-uri', 'https://other.example/x', { ...REQUEST, target: 'https://other.example/x' }],
  ['@request-target', '*', { ...REQUEST, target: '*' }],
  ['@request-target', 'www.example.com:80', { ...REQUEST, target: 'www.example.com:80' }],
  ['@path', '/path'],
  ['@path', '/', { ...REQUEST, target: 'https://www.example.com' }],
  ['@path', '/a%2Fb', { ...REQUEST, target: 'https://www.example.com/a%2Fb?c=/d' }],
  ['@query', '?param=value&foo=bar&baz=bat%2Dman', { ...REQUEST, target: '/path?param=value&foo=bar&baz=bat%2Dman' }],
  ['@query', '?queryString', { ...REQUEST, target: '/path?queryString' }],
  ['@query', '?', { ...REQUEST, target: '/path' }],
  ['@query-param;name="baz"', 'bat-man'],
  ['@query-param;name="qux"', ''],
  ['@status', '503', RESPONSE],
  ['@method;req', 'POST', RESPONSE],
  ['signature;req;key="sig1"', ':AAEC:', RESPONSE],
];
for (const [name, expected, message = REQUEST] of VALUES) {
  test(`RFC 9421 section 2: the component ${name} is ${JSON.stringify(expected)}`, () => {
    assert.equal(value(message, name), expected);
  });
}

test('RFC 9421 section 2.2.8: query parameters are decoded as a form and encoded in one way', () => {
  const target =
    '/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something';
  const rows = {
    var: 'this%20is%20a%20big%0Amultiline%20value',
    bar: 'with%20plus%20whitespace',
    'fa%C3%A7ade%22%3A%20': 'something',
  };
  for (const [name, expected] of Object.entries(rows)) {
    assert.equal(value({ ...REQUEST, target }, `@query-param;name="${name}"`), expected);
  }
});
