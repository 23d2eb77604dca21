/**
 * The token section of the adversarial corpus: one row a case or neighbour, with the code it must get. The verifier's
 * own test and the tests over sockets send the same rows.
 */
import type { ProblemCode } from '@sidegate/sdk';
import { createTestAuthority } from './certificates.ts';
import { claimRows } from './claim-corpus.ts';
import { signatureRows } from './signature-corpus.ts';
import { createSigningKey, encode, hmac, keySetBytes, type MintOptions, mint, type SigningKey } from './tokens.ts';

export interface CorpusSetting {
  /** Two trusted issuers, each with its own keys. */
  readonly users: string;
  readonly services: string;
  readonly audience: string;
  /** Seconds: the moment at which the tokens are judged. */
  readonly now: number;
}

export type CorpusRow = readonly [title: string, code: ProblemCode, token: string];

type Changes = Readonly<Record<string, unknown>>;

export interface TokenCorpus {
  readonly rows: readonly CorpusRow[];
  /** The base token, which is accepted. */
  readonly valid: string;
  readonly keys: {
    readonly es: SigningKey;
    readonly rs: SigningKey;
    readonly ed: SigningKey;
    readonly attacker: SigningKey;
  };
  /** What the two issuers publish. */
  readonly keySets: { readonly users: Buffer; readonly services: Buffer };
  readonly claims: (changes?: Changes) => object;
  /** The base token, with claims or parts of it replaced. */
  readonly token: (changes: Changes, options?: Partial<MintOptions>) => string;
  /** The base token with header members replaced. */
  readonly header: (changes: Changes, options?: Partial<MintOptions>) => string;
  /** Claims as text, for what JSON.stringify would not write: appended inside the object. */
  readonly rawClaims: (text: string) => string;
}

/** Fresh keys, and every row minted with them. */
export function tokenCorpus({ users: USERS, services: SERVICES, audience, now: NOW }: CorpusSetting): TokenCorpus {
  const es = createSigningKey('ES256', 'es');
  const rs = createSigningKey('RS256', 'rs');
  const ed = createSigningKey('EdDSA', 'ed');
  const encryption = createSigningKey('RS256', 'enc');
  const signing = createSigningKey('ES256', 'sign-only');
  const weak = createSigningKey('RS256', 'weak', { bits: 1024 });
  const service = createSigningKey('ES256', 'service');
  const attacker = createSigningKey('ES256', 'attacker');

  const keySets = {
    users: keySetBytes(
      es.jwk(),
      rs.jwk(),
      rs.jwk({ alg: 'PS256', kid: 'ps' }),
      ed.jwk(),
      encryption.jwk({ use: 'enc' }),
      weak.jwk(),
      signing.jwk({ use: undefined, key_ops: ['sign'] }),
    ),
    services: keySetBytes(service.jwk()),
  };

  function claims(changes: Readonly<Record<string, unknown>> = {}): object {
    const base = { iss: USERS, aud: audience, sub: 'user-123', azp: 'web-app', iat: NOW, exp: NOW + 300 };
    return { ...base, ...changes };
  }

  /** The base token, with claims or parts of it replaced. */
  function token(changes: Readonly<Record<string, unknown>>, options: Partial<MintOptions> = {}): string {
    return mint(claims(changes), { key: es, ...options });
  }

  function header(changes: Readonly<Record<string, unknown>>, options: Partial<MintOptions> = {}): string {
    return token({}, { header: changes, ...options });
  }

  /** Claims as text, for what JSON.stringify would not write: appended inside the object. */
  function rawClaims(text: string): string {
    const json = JSON.stringify(claims());
    return token({}, { rawPayload: `${json.slice(0, -1)},${text}}` });
  }

  const valid = token({});
  const nested = (depth: number): string => token({}, { rawPayload: '['.repeat(depth) + ']'.repeat(depth) });
  const attackerCertificate = createTestAuthority('attacker').der.toString('base64');
  const [validHeader = '', validPayload = '', validSignature = ''] = valid.split('.');
  const spki = es.publicKey.export({ format: 'pem', type: 'spki' });
  const unsigned = { sign: () => Buffer.alloc(0) };
  const kept = { sign: () => Buffer.from(validSignature, 'base64url') };

  const rows: readonly CorpusRow[] = [
    ['C-001 alg none with an empty signature', 'token_alg_not_allowed', header({ alg: 'none' }, unsigned)],
    [
      'C-001 alg none and nothing else in the header',
      'token_alg_not_allowed',
      token({}, { rawHeader: '{"alg":"none"}', ...unsigned }),
    ],
    ['C-001 alg none with a kid that fits', 'token_alg_not_allowed', header({ alg: 'none', kid: 'rs' }, unsigned)],
    ...[
      'None',
      'NONE',
      'nOnE',
      'none ',
      ' none',
      'none\u0000',
      'none\t',
      'n\u043ene',
      '\uff4eone',
      'nonE\u200b',
      '',
      'es256',
      'ES256K',
      'HS256 ',
      'ES256,none',
      'ES256\u0000',
      'RS1',
      'RS256 ',
      'ED25519',
      'Ed448',
      'rsassa-pss',
    ].flatMap((alg): CorpusRow[] => [
      [`C-002 alg ${JSON.stringify(alg)}`, 'token_alg_not_allowed', header({ alg }, unsigned)],
      [`C-003 alg ${JSON.stringify(alg)} with the signature kept`, 'token_alg_not_allowed', header({ alg }, kept)],
    ]),
    ...[null, 1, true, ['none'], ['ES256'], { ES256: 1 }, undefined].map(
      (alg): CorpusRow => [`C-002 alg ${JSON.stringify(alg)}`, 'token_malformed', header({ alg }, kept)],
    ),
    ['C-003 alg none with the signature kept', 'token_alg_not_allowed', header({ alg: 'none' }, kept)],
    ...Object.entries({
      PEM: spki,
      'PEM without its final line feed': spki.trimEnd(),
      DER: es.publicKey.export({ format: 'der', type: 'spki' }),
      'PEM after a space': ` ${spki}`,
      'PEM after a byte order mark': `\ufeff${spki}`,
    }).map(
      ([what, secret]): CorpusRow => [
        `C-004 HS256 keyed with the ${what}`,
        'token_alg_not_allowed',
        header({ alg: 'HS256' }, { sign: hmac('sha256', secret) }),
      ],
    ),
    ...(['256', '384', '512'] as const).map(
      (bits): CorpusRow => [
        `C-005 HS${bits} keyed with the public JWK`,
        'token_alg_not_allowed',
        header({ alg: `HS${bits}` }, { sign: hmac(`sha${bits}`, JSON.stringify(es.jwk())) }),
      ],
    ),
    ['C-006 PS256 under a key for RS256', 'token_key_alg_mismatch', mint(claims(), { key: { ...rs, alg: 'PS256' } })],
    ['C-006 RS512 under a key for RS256', 'token_key_alg_mismatch', mint(claims(), { key: { ...rs, alg: 'RS512' } })],
    ['C-006 ES256 under an RSA key', 'token_key_alg_mismatch', header({ kid: 'rs' })],
    ['C-006 EdDSA under a P-256 key', 'token_key_alg_mismatch', mint(claims(), { key: { ...ed, kid: 'es' } })],
    ['C-006 ES256 under an Ed25519 key', 'token_key_alg_mismatch', header({ kid: 'ed' })],
    ['C-006 RS256 under a key for PS256', 'token_key_alg_mismatch', mint(claims(), { key: { ...rs, kid: 'ps' } })],
    ['C-006 ES384 under a P-256 key', 'token_key_alg_mismatch', mint(claims(), { key: { ...es, alg: 'ES384' } })],
    ['C-007 a key for encryption', 'token_key_not_found', mint(claims(), { key: encryption })],
    ['C-007 a key whose key_ops lack verify', 'token_key_not_found', mint(claims(), { key: signing })],
    [
      "C-008 the attacker's jwk in the header",
      'token_signature_invalid',
      token({}, { key: attacker, header: { jwk: attacker.jwk(), kid: 'es' } }),
    ],
    [
      "C-008 the attacker's jwk without kid",
      'token_signature_invalid',
      token({}, { key: attacker, header: { jwk: attacker.jwk(), kid: undefined } }),
    ],
    [
      "C-008 the attacker's jwk under a kid of his own",
      'token_key_not_found',
      token({}, { key: attacker, header: { jwk: attacker.jwk() } }),
    ],
    [
      "C-008 the attacker's private jwk",
      'token_signature_invalid',
      token({}, { key: attacker, header: { jwk: attacker.privateKey.export({ format: 'jwk' }), kid: 'es' } }),
    ],
    ...[attackerCertificate, `${attackerCertificate}=`, ''].map(
      (certificate): CorpusRow => [
        `C-011 the attacker's self-signed x5c, ${certificate.length} characters`,
        'token_signature_invalid',
        token({}, { key: attacker, header: { x5c: [certificate], 'x5t#S256': 'A'.repeat(43), kid: 'es' } }),
      ],
    ),
    [
      "C-011 the attacker's self-signed x5c without kid",
      'token_signature_invalid',
      token({}, { key: attacker, header: { x5c: [attackerCertificate], kid: undefined } }),
    ],
    [
      "C-011 the attacker's self-signed x5c as text",
      'token_signature_invalid',
      token({}, { key: attacker, header: { x5c: 'MIIB', kid: 'es' } }),
    ],
    [
      'C-012 kid is a path, the MAC key empty',
      'token_key_not_found',
      header({ alg: 'HS256', kid: '../../../dev/null' }, { sign: hmac('sha256', '') }),
    ],
    ...[
      '../../../dev/null',
      '/dev/null',
      '/proc/self/environ',
      '..\\..\\windows\\win.ini',
      'file:///dev/null',
      'http://127.0.0.1/keys',
      '%2e%2e/es',
      './es',
      '|id',
    ].map((kid): CorpusRow => [`C-012 kid ${kid}, the algorithm fits`, 'token_key_not_found', header({ kid })]),
    ...[
      "' UNION SELECT 'secret' -- ",
      "es' OR '1'='1",
      "es'; DROP TABLE keys;--",
      'es"',
      '{"$ne":""}',
      '*',
      'es ',
      'ES',
    ].map((kid): CorpusRow => [`C-013 kid ${kid}`, 'token_key_not_found', header({ kid })]),
    [
      'C-013 kid is SQL, the MAC key its result',
      'token_key_not_found',
      header({ alg: 'HS256', kid: "' UNION SELECT 'secret' -- " }, { sign: hmac('sha256', 'secret') }),
    ],
    ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'get', 'size', '0', 'length'].map(
      (kid): CorpusRow => [`C-014 kid ${kid}`, 'token_key_not_found', header({ kid })],
    ),
    ...[1, 0, 1.5, { a: 1 }, { toString: 'es' }, null, ['es'], [], true, false, ''].map(
      (kid): CorpusRow => [`C-015 kid ${JSON.stringify(kid)}`, 'token_malformed', header({ kid })],
    ),
    ['C-016 kid of 3 KB', 'token_malformed', header({ kid: 'k'.repeat(3000) })],
    ['C-016 kid with a line break and JSON', 'token_malformed', header({ kid: 'es\r\n{"decision":"allow"}' })],
    ['C-016 kid of one character too many', 'token_malformed', header({ kid: 'k'.repeat(257) })],
    ...['es\u0000', 'es\t', 'es\u007f', 'es\u0085', 'es\n', '\u001b[31mes', 'es\u2029'].map(
      (kid): CorpusRow => [`C-016 kid ${JSON.stringify(kid)}`, 'token_malformed', header({ kid })],
    ),
    ['C-016 kid with a line separator', 'token_malformed', header({ kid: 'es\u2028' })],
    ['C-018 crit names an extension', 'token_crit_unsupported', header({ crit: ['x'], x: 1 })],
    ['C-018 crit names an extension that is absent', 'token_crit_unsupported', header({ crit: ['x'] })],
    ...[
      [],
      'alg',
      {},
      null,
      0,
      false,
      ['alg'],
      ['kid', 'typ'],
      ['exp', 'exp'],
      [1],
      [null],
      [[]],
      [''],
      ['__proto__'],
    ].map((crit): CorpusRow => [`C-019 crit ${JSON.stringify(crit)}`, 'token_crit_unsupported', header({ crit })]),
    ['C-020 b64 false with crit', 'token_header_unsupported', header({ b64: false, crit: ['b64'] })],
    ['C-021 b64 false without crit', 'token_header_unsupported', header({ b64: false })],
    ['C-021 b64 true', 'token_header_unsupported', header({ b64: true })],
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
        rawClaims(`"${name}":${JSON.stringify((claims() as Changes)[name])}`),
      ],
    ),
    ['C-028 cnf twice', 'token_duplicate_member', rawClaims('"cnf":{},"cnf":{}')],
    ['C-028 a member of cnf twice', 'token_duplicate_member', rawClaims('"cnf":{"jkt":"a","jkt":"a"}')],
    ['C-028 __proto__ twice', 'token_duplicate_member', rawClaims('"__proto__":1,"\\u005f_proto__":1')],
    ['C-028 a member twice inside a list', 'token_duplicate_member', rawClaims('"a":[1,{"b":1,"b":2}]')],
    ['C-028 sub twice, one of them escaped', 'token_duplicate_member', rawClaims('"\\u0073ub":"admin"')],
    ['C-028 a role twice, two levels down', 'token_duplicate_member', rawClaims('"a":{"b":{"c":1,"c":1}}')],
    ...signatureRows({ es, rs, ed, attacker }, token),
    ['C-034 a key of 1024 bits', 'token_key_not_found', mint(claims(), { key: weak })],
    ...claimRows({ users: USERS, services: SERVICES, audience, now: NOW }, { token, header, claims }),
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
    ...['DEF', 'def', 'GZIP', '', null, 1, ['DEF']].map(
      (zip): CorpusRow => [`C-056 zip ${JSON.stringify(zip)}`, 'token_header_unsupported', header({ zip })],
    ),
    ...[1, 2 ** 53 - 1, '1000', null].map(
      (p2c): CorpusRow => [
        `C-057 p2c ${JSON.stringify(p2c)} beside ES256`,
        'token_header_unsupported',
        header({ p2c }),
      ],
    ),
    ...[
      'PBES2-HS256+A128KW',
      'PBES2-HS512+A256KW',
      'A128KW',
      'A256GCMKW',
      'ECDH-ES',
      'ECDH-ES+A256KW',
      'dir',
      'RSA1_5',
    ].map((alg): CorpusRow => [`C-057 alg ${alg}`, 'token_alg_not_allowed', header({ alg })]),
    [
      'C-057 PBES2 with 2^31 iterations',
      'token_header_unsupported',
      header({ alg: 'PBES2-HS256+A128KW', p2c: 2 ** 31, p2s: 'AAAA' }),
    ],
    ['C-057 an alg for key encryption', 'token_alg_not_allowed', header({ alg: 'RSA-OAEP-256' })],
    ['C-057 enc in a JWS', 'token_header_unsupported', header({ enc: 'A128GCM' })],
  ];

  return { rows, valid, keys: { es, rs, ed, attacker }, keySets, claims, token, header, rawClaims };
}

/** The same base64url text with its lowest unused bit set. */
function withUnusedBit(segment: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return segment.slice(0, -1) + alphabet.charAt(alphabet.indexOf(segment.slice(-1)) + 1);
}
