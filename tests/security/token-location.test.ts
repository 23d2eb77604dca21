/** Corpus C, 72 to 77, with neighbours: every token here is a good one, in a place where it does not count. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { sendBytes, type WireRequest } from '../support/wire.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar();
});
after(() => order[Symbol.asyncDispose]());

type Row = readonly [title: string, code: ProblemCode, request: (token: string) => WireRequest];

const bearer = (token: string): readonly string[] => ['Authorization', `Bearer ${token}`];

/** How a service might be made to read `access_token`. */
const SPELLINGS = [
  'access_token=',
  'a=b&access_token=',
  'access%5ftoken=',
  'access%5Ftoken=',
  '%61ccess_token=',
  '%41%63%63%65%73%73%5f%74%6f%6b%65%6e=',
  'ACCESS_TOKEN=',
  'Access_Token=',
  'a=b;access_token=',
  'access_token[]=',
  'access_token%5B0%5D=',
  'access_token=&access_token=',
  'access_token&x=',
] as const;

const FORM = 'application/x-www-form-urlencoded';

const QUERY: readonly Row[] = SPELLINGS.flatMap((spelling): readonly Row[] => [
  [`C-072 in the query as ${spelling}`, 'token_missing', (token) => ({ target: `/?${spelling}${token}` })],
  [
    `C-073 in the query as ${spelling}, and in the header`,
    'invalid_request',
    (token) => ({ target: `/?${spelling}${token}`, headers: bearer(token) }),
  ],
]);

const BODY: readonly Row[] = [
  ...SPELLINGS.map(
    (spelling): Row => [
      `C-073 in a form as ${spelling}, and in the header`,
      'invalid_request',
      (token) => form(`${spelling}${token}`, token),
    ],
  ),
  ...[FORM.toUpperCase(), `${FORM}; charset=utf-8`, `${FORM};charset="utf-8"`, ` ${FORM} `, `${FORM}, text/plain`].map(
    (type): Row => [
      `C-073 in a body of type ${type}, and in the header`,
      'invalid_request',
      (token) => form(`access_token=${token}`, token, ['Content-Type', type]),
    ],
  ),
  [
    'C-073 in a form that says its type twice, and in the header',
    'invalid_request',
    (token) => form(`access_token=${token}`, token, ['Content-Type', 'text/plain', 'Content-Type', FORM]),
  ],
  ...['PUT', 'PATCH', 'DELETE', 'GET'].map(
    (method): Row => [
      `C-073 in the form of a ${method}, and in the header`,
      'invalid_request',
      (token) => ({ ...form(`access_token=${token}`, token), method }),
    ],
  ),
  [
    'C-073 in a chunked form, its name cut in two, and in the header',
    'invalid_request',
    (token) => chunkedForm(['a=b&access_', `token=${token}`], token),
  ],
  [
    'C-073 in a chunked form, every byte of its name a chunk, and in the header',
    'invalid_request',
    (token) => chunkedForm('a=b&access_token=x'.match(/./g) ?? [], token),
  ],
  [
    'C-073 at the end of a form of 60 KiB, and in the header',
    'invalid_request',
    (token) => form(`a=${'b'.repeat(60 * 1024)}&access_token=${token}`, token),
  ],
  [
    'C-073 a name at the end of a form, and in the header',
    'invalid_request',
    (token) => form('a=b&access_token', token),
  ],
  ['C-073 in a form alone', 'token_missing', (token) => ({ ...form(`access_token=${token}`, token), headers: [] })],
];

/** A token in what is no query, or not only one: the record must not show it either. */
const PATHS: readonly Row[] = (
  [
    ['/#access_token=T', 'path_ambiguous'],
    ['/?a=b#access_token=T', 'path_ambiguous'],
    ['/;access_token=T', 'path_ambiguous'],
    ['/%3Faccess_token=T', 'path_ambiguous'],
    ['/%23access_token=T', 'path_ambiguous'],
    ['/a\\access_token=T', 'path_ambiguous'],
    ['//T', 'path_ambiguous'],
    ['/../T', 'path_ambiguous'],
    ['access_token=T', 'path_ambiguous'],
    ['http://localhost/?access_token=T', 'token_missing'],
    ['http://T@localhost/', 'host_mismatch'],
    ['http://evil/?access_token=T', 'host_mismatch'],
    ['/T', 'token_missing'],
    ['/access_token=T', 'token_missing'],
    ['/verify/T/now', 'token_missing'],
  ] as const
).map(
  ([target, code]): Row => [
    `C-072 in the target ${target}`,
    code,
    (token) => ({ target: target.replaceAll(/\bT\b/g, token) }),
  ],
);

const HEADERS: readonly Row[] = [
  ...(
    [
      ['the same token twice', (token) => [...bearer(token), ...bearer(token)]],
      ['two names in other cases', (token) => ['authorization', `Bearer ${token}`, 'AUTHORIZATION', 'Bearer x']],
      ['an empty one first', (token) => ['Authorization', '', ...bearer(token)]],
      ['an empty one last', (token) => [...bearer(token), 'Authorization', '']],
      ['Basic beside it', (token) => ['Authorization', 'Basic x', ...bearer(token)]],
      ['others in between', (token) => [...bearer(token), 'X-A', 'b', 'X-C', 'd', ...bearer(token)]],
      ['three of them', (token) => [...bearer(token), ...bearer(token), ...bearer(token)]],
    ] as readonly (readonly [string, (token: string) => readonly string[]])[]
  ).map(
    ([what, headers]): Row => [
      `C-074 two Authorization headers, ${what}`,
      'duplicate_header',
      (token) => ({ headers: headers(token) }),
    ],
  ),
  ...(
    [
      'Bearer  T',
      'Bearer   T',
      'Bearer\tT',
      'Bearer \tT',
      'Bearer\t T',
      'Bearer T, Basic x',
      'Bearer T,Bearer T',
      'Bearer T,',
      'Bearer ,T',
      'Bearer, T',
      'Bearer: T',
      'Bearer:T',
      'Bearer="T"',
      'Bearer"T"',
      '"Bearer" T',
      'Bearer',
      '',
      'Bearer \xa0T',
      'Bearer\xa0T',
      'Bearer T\xa0',
      'Bearer \xe2\x80\x8bT',
      '\xef\xbb\xbfBearer T',
      '\xef\xbc\xa2earer T',
      'Bearer T\tx',
      'Basic x, Bearer T',
      '(Bearer) T',
    ] as const
  ).map(
    (field): Row => [
      `C-075 ${JSON.stringify(field)}`,
      field.startsWith('Basic') ? 'token_missing' : 'authorization_malformed',
      (token) => ({ headers: ['Authorization', field.replaceAll('T', token)] }),
    ],
  ),
  ...[
    'Basic T',
    'Negotiate',
    'Negotiate T',
    'DPoP T',
    'Token T',
    'JWT T',
    'OAuth T',
    'Digest username="T"',
    'BearerT',
    'Bear er T',
    'Bearer. T',
    'T',
    'T Bearer',
  ].map(
    (field): Row => [
      `C-076 ${field}`,
      'token_missing',
      (token) => ({ headers: ['Authorization', field.replaceAll(/T(?=$| |")/g, token)] }),
    ],
  ),
  ...(
    [
      ['Cookie', 'access_token=T'],
      ['Cookie', 'Authorization=Bearer T'],
      ['Cookie', 'a=b; token=T; session=T'],
      ['Proxy-Authorization', 'Bearer T'],
      ['Sec-WebSocket-Protocol', 'Bearer, T'],
      ['Sec-WebSocket-Protocol', 'access_token, T'],
      ['Sec-WebSocket-Protocol', 'base64url.bearer.authorization.k8s.io.T'],
      ['X-Authorization', 'Bearer T'],
      ['X-Access-Token', 'T'],
      ['X-Forwarded-Authorization', 'Bearer T'],
      ['X-Original-Authorization', 'Bearer T'],
      ['Authorization-', 'Bearer T'],
      ['Authorizatio', 'Bearer T'],
      ['WWW-Authenticate', 'Bearer T'],
      ['DPoP', 'T'],
      ['Referer', 'https://app.example.com/?access_token=T'],
    ] as const
  ).map(
    ([name, value]): Row => [
      `C-077 ${name}: ${value}`,
      'token_missing',
      (token) => ({ headers: [name, value.replaceAll(/\bT\b/g, token)] }),
    ],
  ),
];

describe('a token in the wrong place', () => {
  for (const [title, code, request] of [...QUERY, ...PATHS, ...BODY, ...HEADERS]) {
    test(`${title} is ${code}, and stays out of every output`, async () => {
      const token = order.userToken();
      await order.refused(code, () => order.send({ headers: [], ...request(token) }), [token, signatureOf(token)]);
    });
  }

  const LINES: readonly (readonly [title: string, code: ProblemCode, lines: (token: string) => string])[] = [
    ['C-075 a blank before the colon', 'framing_invalid', (token) => `Authorization : Bearer ${token}`],
    ['C-075 a folded line', 'framing_invalid', (token) => `Authorization: Bearer\r\n ${token}`],
    ['C-075 a line folded by a tab', 'framing_invalid', (token) => `Authorization:\r\n\tBearer ${token}`],
    ['C-075 a bare line feed', 'framing_invalid', (token) => `Authorization: Bearer\n ${token}`],
    ['C-075 a vertical tab', 'framing_invalid', (token) => `Authorization: Bearer\x0b${token}`],
    ['C-075 NUL', 'framing_invalid', (token) => `Authorization: Bearer \0${token}`],
    ['C-077 a blank before the name', 'framing_invalid', (token) => ` Authorization: Bearer ${token}`],
    ['C-077 a name with a byte above ASCII', 'framing_invalid', (token) => `Author\xefzation: Bearer ${token}`],
    [
      'C-077 in a trailer',
      'token_missing',
      (token) => `Transfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: Bearer ${token}`,
    ],
  ];
  for (const [title, code, lines] of LINES) {
    test(`${title} is ${code}, and stays out of every output`, async () => {
      const token = order.userToken();
      const bytes = Buffer.from(
        `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${lines(token)}\r\n\r\n`,
        'latin1',
      );
      await order.refused(code, () => sendBytes(order.wire(), bytes), [token]);
    });
  }
});

describe('a form that streams', () => {
  test('C-073 a token far behind is refused as well, and what the app got was never a whole request', async () => {
    const { audit } = order.sidecar;
    const [records, seen] = [audit.length, order.app.seen.length];
    const token = order.userToken();
    const answer = await order.send(form(`a=${'b'.repeat(300_000)}&access_token=${token}`, token));
    assert.deepEqual([answer.status, (JSON.parse(answer.body) as { code: string }).code], [400, 'invalid_request']);
    assert.deepEqual(
      audit.slice(records).map(({ decision, code }) => [decision, code]),
      [['deny', 'invalid_request']],
    );
    assert.equal(order.app.seen.length, seen);
  });

  test('C-073 a client that waits for 100 Continue gets one, and then the refusal', async () => {
    const token = order.userToken();
    const seen = order.app.seen.length;
    const { headers = [], ...rest } = form(`access_token=${token}`, token);
    const { raw } = await order.send({ ...rest, headers: [...headers, 'Expect', '100-continue'] });
    assert.deepEqual(raw.match(/^HTTP\/1\.1 \d{3}/gm), ['HTTP/1.1 100', 'HTTP/1.1 400']);
    assert.equal(order.app.seen.length, seen);
  });

  const ACCEPTED: readonly (readonly [title: string, body: string])[] = [
    ['names that only contain it', 'my_access_token=1&access_tokens=2&access_token_type=3&xaccess_token=4'],
    ['its name as a value', 'a=access_token&b=%26access_token%3D1'],
    ['nothing', '&'],
    ['300 KB', `a=${'b'.repeat(300_000)}`],
  ];
  for (const [title, body] of ACCEPTED) {
    test(`C-073 a form with ${title} reaches the app as it was sent, whole or chunked`, async () => {
      const token = order.userToken();
      for (const request of [
        form(body, token),
        chunkedForm([body.slice(0, 9), body.slice(9)].filter(Boolean), token),
      ]) {
        const answer = await order.send(request);
        assert.deepEqual([answer.status, order.app.seen.at(-1)?.body], [200, body]);
      }
    });
  }

  test('C-073 what is no form is not looked at', async () => {
    const token = order.userToken();
    for (const type of ['application/json', 'multipart/form-data; boundary=x', 'text/plain']) {
      const answer = await order.send(form('access_token=1', token, ['Content-Type', type]));
      assert.deepEqual([answer.status, order.app.seen.at(-1)?.body], [200, 'access_token=1']);
    }
  });

  test('C-072 a query that only resembles it passes', async () => {
    const query = 'my_access_token=1&access_tokens=2&a=access_token&b=%26access_token';
    const answer = await order.send({ target: `/?${query}` });
    assert.deepEqual([answer.status, order.app.seen.at(-1)?.url], [200, `/?${query}`]);
  });
});

function form(body: string, token: string, type: readonly string[] = ['Content-Type', FORM]): WireRequest {
  return { method: 'POST', headers: [...bearer(token), ...type], body };
}

function chunkedForm(chunks: readonly string[], token: string): WireRequest {
  const body = [...chunks, ''].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
  const headers = [...bearer(token), 'Content-Type', FORM, 'Transfer-Encoding', 'chunked'];
  return { method: 'POST', headers, body };
}

function signatureOf(token: string): string {
  return token.slice(token.lastIndexOf('.') + 1);
}
