/** Corpus A, 22 to 28 and 50 to 55: tokens that are not one well-formed compact JWS of a bearable size. */
import type { CorpusRow, Minting } from './token-corpus.ts';
import { encode } from './tokens.ts';

export function formRows({ valid, claims, token, header, rawClaims }: Minting): readonly CorpusRow[] {
  const [validHeader = '', validPayload = '', validSignature = ''] = valid.split('.');
  const nested = (depth: number): string => token({}, { rawPayload: '['.repeat(depth) + ']'.repeat(depth) });
  return [
    [
      'C-022 a JWE of five parts',
      'token_malformed',
      `${encode('{"alg":"RSA-OAEP","enc":"A128GCM"}')}.AAAA.AAAA.AAAA.AAAA`,
    ],
    ['C-022 a JWE whose header names a key of ours', 'token_malformed', `${validHeader}.AAAA.AAAA.AAAA.AAAA`],
    ['C-022 six parts', 'token_malformed', `${valid}.AAAA.AAAA.AAAA`],
    ['C-022 a JWE with an empty key', 'token_malformed', `${encode('{"alg":"dir","enc":"A128GCM"}')}..AAAA.AAAA.AAAA`],
    [
      'C-023 the general JSON serialisation',
      'token_malformed',
      JSON.stringify({ payload: validPayload, signatures: [{ protected: validHeader, signature: validSignature }] }),
    ],
    [
      'C-023 the general JSON serialisation with blanks',
      'token_malformed',
      `{ "payload": "${validPayload}", "signatures": [{ "protected": "${validHeader}", "signature": "${validSignature}" }] }`,
    ],
    [
      'C-023 the flattened JSON serialisation with an unprotected header',
      'token_malformed',
      JSON.stringify({ payload: validPayload, header: { alg: 'none' }, signature: '' }),
    ],
    ['C-023 a token in quotes', 'token_malformed', `"${valid}"`],
    ['C-023 a token in a list', 'token_malformed', `["${valid}"]`],
    ['C-023 a token in an object', 'token_malformed', `{"token":"${valid}"}`],
    [
      'C-023 the flattened JSON serialisation',
      'token_malformed',
      JSON.stringify({ payload: validPayload, protected: validHeader, signature: validSignature }),
    ],
    ...[
      '',
      '.',
      '..',
      '...',
      validHeader,
      `${validHeader}.${validPayload}`,
      `${valid}.`,
      `.${valid}`,
      `${valid}.AAAA`,
      `.${validPayload}.${validSignature}`,
      `${validHeader}..${validSignature}`,
      `${validHeader}.${validPayload}.`,
      `.${validPayload}.`,
      `${validHeader}..`,
      `..${validSignature}`,
      `${valid}${valid}`,
      `${valid}.${valid}`,
      '....',
      'e30.e30',
      'null',
    ].map((text, index): CorpusRow => [`C-024 wrong segments, form ${index + 1}`, 'token_malformed', text]),
    ...[
      '=',
      '==',
      '+',
      '/',
      ' ',
      '\n',
      '\r\n',
      '?',
      '\t',
      '\u0000',
      '%3D',
      '~',
      '!',
      ':',
      ';',
      '"',
      '\\',
      'é',
      '\u{1f600}',
    ].flatMap((junk): CorpusRow[] => [
      [
        `C-025 ${JSON.stringify(junk)} in the header`,
        'token_malformed',
        `${validHeader}${junk}.${validPayload}.${validSignature}`,
      ],
      [
        `C-025 ${JSON.stringify(junk)} in the payload`,
        'token_malformed',
        `${validHeader}.${junk}${validPayload}.${validSignature}`,
      ],
      [
        `C-025 ${JSON.stringify(junk)} in the signature`,
        'token_malformed',
        `${validHeader}.${validPayload}.${validSignature}${junk}`,
      ],
    ]),
    [
      'C-026 an unused bit of the signature set',
      'token_malformed',
      `${validHeader}.${validPayload}.${withUnusedBit(validSignature)}`,
    ],
    [
      'C-026 an unused bit of the header set',
      'token_malformed',
      `${withUnusedBit(encode('{"alg":"ES256"} '))}.${validPayload}.${validSignature}`,
    ],
    [
      'C-026 an unused bit of the payload set',
      'token_malformed',
      `${validHeader}.${withUnusedBit(encode('{"sub":"a"} '))}.${validSignature}`,
    ],
    ['C-026 the signature cut in the middle of a byte', 'token_malformed', valid.slice(0, -1)],
    ['C-026 a single left-over character', 'token_malformed', `${validHeader}.${validPayload}.${validSignature}AAA`],
    ['C-027 alg twice', 'token_duplicate_member', token({}, { rawHeader: '{"alg":"none","alg":"ES256","kid":"es"}' })],
    [
      'C-027 alg twice, one of them escaped',
      'token_duplicate_member',
      token({}, { rawHeader: '{"alg":"ES256","\\u0061lg":"none","kid":"es"}' }),
    ],
    ...[
      '"kid":"es"',
      '"kid":"rs"',
      '"typ":"JWT","typ":"at+jwt"',
      '"x":{"a":1,"a":1}',
      '"__proto__":1,"__proto__":1',
    ].map(
      (text): CorpusRow => [
        `C-027 ${text} in the header`,
        'token_duplicate_member',
        token({}, { rawHeader: `{"alg":"ES256","kid":"es",${text}}` }),
      ],
    ),
    [
      'C-027 a number out of range in the header',
      'token_malformed',
      token({}, { rawHeader: '{"alg":"ES256","kid":"es","n":1e400}' }),
    ],
    ['C-028 sub twice', 'token_duplicate_member', rawClaims('"sub":"admin"')],
    ...['iss', 'aud', 'exp', 'iat', 'azp'].map(
      (name): CorpusRow => [
        `C-028 ${name} twice, with one value`,
        'token_duplicate_member',
        rawClaims(`"${name}":${JSON.stringify((claims() as Readonly<Record<string, unknown>>)[name])}`),
      ],
    ),
    ['C-028 cnf twice', 'token_duplicate_member', rawClaims('"cnf":{},"cnf":{}')],
    ['C-028 a member of cnf twice', 'token_duplicate_member', rawClaims('"cnf":{"jkt":"a","jkt":"a"}')],
    ['C-028 __proto__ twice', 'token_duplicate_member', rawClaims('"__proto__":1,"\\u005f_proto__":1')],
    ['C-028 a member twice inside a list', 'token_duplicate_member', rawClaims('"a":[1,{"b":1,"b":2}]')],
    ['C-028 sub twice, one of them escaped', 'token_duplicate_member', rawClaims('"\\u0073ub":"admin"')],
    ['C-028 a role twice, two levels down', 'token_duplicate_member', rawClaims('"a":{"b":{"c":1,"c":1}}')],
    ['C-050 a token of 8 KiB and one character', 'token_too_large', 'a'.repeat(8193)],
    ['C-050 a valid token that is too large', 'token_too_large', token({ note: 'n'.repeat(8000) })],
    ['C-050 a signature that is too large', 'token_too_large', `${validHeader}.${validPayload}.${'A'.repeat(8192)}`],
    ['C-050 a kid of 8 KiB', 'token_too_large', header({ kid: 'k'.repeat(8192) })],
    ['C-050 claims 10,000 deep, which nobody gets to see', 'token_too_large', nested(10_000)],
    ['C-050 dots only, too many of them', 'token_too_large', '.'.repeat(8193)],
    ['C-051 8,000 dots', 'token_malformed', '.'.repeat(8000)],
    ['C-051 8,192 dots', 'token_malformed', '.'.repeat(8192)],
    ['C-051 a token and 7,000 dots', 'token_malformed', `${valid}${'.'.repeat(7000)}`],
    ['C-051 three dots far apart', 'token_malformed', Array.from({ length: 4 }, () => 'A'.repeat(2000)).join('.')],
    ...[17, 100, 3000].map(
      (depth): CorpusRow => [`C-052 lists ${depth} deep as claims`, 'token_malformed', nested(depth)],
    ),
    ['C-052 lists 5,000 deep that never end', 'token_malformed', token({}, { rawPayload: '['.repeat(5000) })],
    ['C-052 objects 1,000 deep that never end', 'token_malformed', token({}, { rawPayload: '{"a":'.repeat(1000) })],
    [
      'C-052 a header nested to the limit and one more',
      'token_malformed',
      token({}, { rawHeader: `{"alg":"ES256","kid":"es","x":${'['.repeat(16)}${']'.repeat(16)}}` }),
    ],
    [
      'C-052 claims nested to the limit and one more',
      'token_malformed',
      rawClaims(`"a":${'{"a":'.repeat(16)}1${'}'.repeat(16)}`),
    ],
    ['C-055 invalid UTF-8', 'token_malformed', token({}, { rawPayload: Buffer.from('{"sub":"\xff"}', 'latin1') })],
    ['C-055 overlong UTF-8', 'token_malformed', token({}, { rawPayload: Buffer.from('{"sub":"\xc0\xaf"}', 'latin1') })],
    [
      'C-055 a surrogate in UTF-8',
      'token_malformed',
      token({}, { rawPayload: Buffer.from('{"sub":"\xed\xa0\x80"}', 'latin1') }),
    ],
    ['C-055 a byte order mark', 'token_malformed', token({}, { rawPayload: `\ufeff${JSON.stringify(claims())}` })],
    ...['\\ud800', '\\udc00', '\\udc00\\ud800', '\\ud800x'].map(
      (text): CorpusRow => [`C-055 a lone surrogate ${text}`, 'token_malformed', rawClaims(`"a":"${text}"`)],
    ),
    ['C-055 UTF-16', 'token_malformed', token({}, { rawPayload: Buffer.from(JSON.stringify(claims()), 'utf16le') })],
    [
      'C-055 a byte order mark in the header',
      'token_malformed',
      token({}, { rawHeader: '\ufeff{"alg":"ES256","kid":"es"}' }),
    ],
    ...['\xc3', '\xe2\x80', '\xf4\x90\x80\x80', '\xf8\x88\x80\x80\x80', '\x80', '\xfe', '\0', '\n', '\x1f'].map(
      (text): CorpusRow => [
        `C-055 the bytes ${Buffer.from(text, 'latin1').toString('hex')} in a string`,
        'token_malformed',
        token({}, { rawPayload: Buffer.from(JSON.stringify(claims({ note: '~' })).replace('~', text), 'latin1') }),
      ],
    ),
    ...[
      'null',
      '[]',
      '"a"',
      '1',
      '',
      ' ',
      '{',
      '{}{}',
      '{},',
      '{"a":1,}',
      "{'a':1}",
      '{a:1}',
      '/**/{}',
      '{}\0',
      '{"a":undefined}',
    ].map(
      (text): CorpusRow => [
        `C-055 ${JSON.stringify(text)} as claims`,
        'token_malformed',
        token({}, { rawPayload: text }),
      ],
    ),
  ];
}

/** The same base64url text with its lowest unused bit set. */
function withUnusedBit(segment: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return segment.slice(0, -1) + alphabet.charAt(alphabet.indexOf(segment.slice(-1)) + 1);
}
