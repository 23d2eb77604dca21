/**
 * The token section of the adversarial corpus: one row a case or neighbour, with the code it must get. The verifier's
 * own test and the tests over sockets send the same rows.
 */
import { sign } from 'node:crypto';
import type { ProblemCode } from '@sidegate/sdk';
import {
  createSigningKey,
  encode,
  hmac,
  keySetBytes,
  type MintOptions,
  mint,
  type SigningKey,
  signBytes,
} from './tokens.ts';

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
  const [validHeader = '', validPayload = '', validSignature = ''] = valid.split('.');
  const spki = es.publicKey.export({ format: 'pem', type: 'spki' });
  const unsigned = { sign: () => Buffer.alloc(0) };

  const rows: readonly CorpusRow[] = [
    ['C-001 alg none with an empty signature', 'token_alg_not_allowed', header({ alg: 'none' }, unsigned)],
    [
      'C-001 alg none and nothing else in the header',
      'token_alg_not_allowed',
      token({}, { rawHeader: '{"alg":"none"}', ...unsigned }),
    ],
    ...['None', 'NONE', 'nOnE', 'none ', ' none', 'none\u0000', 'es256', 'ES256K', 'HS256 ', ''].map(
      (alg): CorpusRow => [`C-002 alg ${JSON.stringify(alg)}`, 'token_alg_not_allowed', header({ alg }, unsigned)],
    ),
    [
      'C-003 alg none with the signature kept',
      'token_alg_not_allowed',
      header({ alg: 'none' }, { sign: () => Buffer.from(validSignature, 'base64url') }),
    ],
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
      "C-011 the attacker's self-signed x5c",
      'token_signature_invalid',
      token({}, { key: attacker, header: { x5c: ['MIIB'], kid: 'es' } }),
    ],
    [
      'C-012 kid is a path, the MAC key empty',
      'token_key_not_found',
      header({ alg: 'HS256', kid: '../../../dev/null' }, { sign: hmac('sha256', '') }),
    ],
    ['C-012 kid is a path, the algorithm fits', 'token_key_not_found', header({ kid: '../../../dev/null' })],
    ['C-013 kid is SQL', 'token_key_not_found', header({ kid: "' UNION SELECT 'secret' -- " })],
    [
      'C-013 kid is SQL, the MAC key its result',
      'token_key_not_found',
      header({ alg: 'HS256', kid: "' UNION SELECT 'secret' -- " }, { sign: hmac('sha256', 'secret') }),
    ],
    ...['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map(
      (kid): CorpusRow => [`C-014 kid ${kid}`, 'token_key_not_found', header({ kid })],
    ),
    ...[1, { a: 1 }, null, ['es'], true, ''].map(
      (kid): CorpusRow => [`C-015 kid ${JSON.stringify(kid)}`, 'token_malformed', header({ kid })],
    ),
    ['C-016 kid of 3 KB', 'token_malformed', header({ kid: 'k'.repeat(3000) })],
    ['C-016 kid with a line break and JSON', 'token_malformed', header({ kid: 'es\r\n{"decision":"allow"}' })],
    ['C-016 kid with a line separator', 'token_malformed', header({ kid: 'es\u2028' })],
    ['C-018 crit names an extension', 'token_crit_unsupported', header({ crit: ['x'], x: 1 })],
    ['C-018 crit names an extension that is absent', 'token_crit_unsupported', header({ crit: ['x'] })],
    ...[[], 'alg', {}, null, ['alg'], ['exp', 'exp'], [1], ['']].map(
      (crit): CorpusRow => [`C-019 crit ${JSON.stringify(crit)}`, 'token_crit_unsupported', header({ crit })],
    ),
    ['C-020 b64 false with crit', 'token_header_unsupported', header({ b64: false, crit: ['b64'] })],
    ['C-021 b64 false without crit', 'token_header_unsupported', header({ b64: false })],
    ['C-021 b64 true', 'token_header_unsupported', header({ b64: true })],
    [
      'C-022 a JWE of five parts',
      'token_malformed',
      `${encode('{"alg":"RSA-OAEP","enc":"A128GCM"}')}.AAAA.AAAA.AAAA.AAAA`,
    ],
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
    ].map((text, index): CorpusRow => [`C-024 wrong segments, form ${index + 1}`, 'token_malformed', text]),
    ...['=', '==', '+', '/', ' ', '\n', '\r\n', '?', '\t', '\u0000', '%3D', 'é', '\u{1f600}'].flatMap(
      (junk): CorpusRow[] => [
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
      ],
    ),
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
    ['C-026 a single left-over character', 'token_malformed', `${validHeader}.${validPayload}.${validSignature}AAA`],
    ['C-027 alg twice', 'token_duplicate_member', token({}, { rawHeader: '{"alg":"none","alg":"ES256","kid":"es"}' })],
    [
      'C-027 alg twice, one of them escaped',
      'token_duplicate_member',
      token({}, { rawHeader: '{"alg":"ES256","\\u0061lg":"none","kid":"es"}' }),
    ],
    [
      'C-027 a number out of range in the header',
      'token_malformed',
      token({}, { rawHeader: '{"alg":"ES256","kid":"es","n":1e400}' }),
    ],
    ['C-028 sub twice', 'token_duplicate_member', rawClaims('"sub":"admin"')],
    ['C-028 sub twice, one of them escaped', 'token_duplicate_member', rawClaims('"\\u0073ub":"admin"')],
    ['C-028 a role twice, two levels down', 'token_duplicate_member', rawClaims('"a":{"b":{"c":1,"c":1}}')],
    ['C-029 r and s of zero', 'token_signature_invalid', token({}, { sign: () => Buffer.alloc(64) })],
    [
      'C-030 a signature of 63 bytes',
      'token_signature_invalid',
      token({}, { sign: (input) => signBytes(es, input).subarray(1) }),
    ],
    [
      'C-030 a signature of 65 bytes',
      'token_signature_invalid',
      token({}, { sign: (input) => Buffer.concat([Buffer.alloc(1), signBytes(es, input)]) }),
    ],
    [
      'C-030 a signature of 96 bytes',
      'token_signature_invalid',
      token({}, { sign: (input) => Buffer.concat([signBytes(es, input), Buffer.alloc(32)]) }),
    ],
    [
      'C-031 a signature in DER',
      'token_signature_invalid',
      token({}, { sign: (input) => sign('sha256', input, es.privateKey) }),
    ],
    [
      'C-032 an EdDSA signature of 63 bytes',
      'token_signature_invalid',
      token({}, { key: ed, sign: (input) => signBytes(ed, input).subarray(0, 63) }),
    ],
    [
      'C-033 an RS256 signature padded for PSS',
      'token_signature_invalid',
      token({}, { key: rs, sign: (input) => signBytes({ ...rs, alg: 'PS256' }, input) }),
    ],
    [
      'C-033 an RS256 signature over SHA-1',
      'token_signature_invalid',
      token({}, { key: rs, sign: (input) => sign('sha1', input, rs.privateKey) }),
    ],
    ['C-034 a key of 1024 bits', 'token_key_not_found', mint(claims(), { key: weak })],
    ['S3-034 C-035 no exp', 'token_exp_missing', token({ exp: undefined })],
    ...[String(NOW + 300), null, true, [NOW + 300], {}, (NOW + 300) * 1000, -1].map(
      (exp): CorpusRow => [`C-036 exp ${JSON.stringify(exp)}`, 'token_claim_type', token({ exp })],
    ),
    ...['1e400', '-1e400', '9007199254740993'].map(
      (exp): CorpusRow => [
        `C-036 exp ${exp}`,
        'token_claim_type',
        token({}, { rawPayload: JSON.stringify(claims({ exp: 0 })).replace('"exp":0', `"exp":${exp}`) }),
      ],
    ),
    ['C-037 expired beyond the skew', 'token_expired', token({ exp: NOW - 5 - 1 })],
    ['C-037 expired exactly at the skew', 'token_expired', token({ exp: NOW - 5 })],
    ['C-037 exp 0', 'token_expired', token({ exp: 0 })],
    ['C-038 nbf beyond the skew', 'token_not_yet_valid', token({ nbf: NOW + 6 })],
    ['C-038 iat beyond the skew', 'token_not_yet_valid', token({ iat: NOW + 6 })],
    ['C-038 nbf is a string', 'token_claim_type', token({ nbf: String(NOW) })],
    ['C-038 iat is null', 'token_claim_type', token({ iat: null })],
    ['C-038 iat in milliseconds', 'token_claim_type', token({ iat: NOW * 1000 })],
    ['C-039 a lifetime of an hour and a second', 'token_lifetime_exceeded', token({ exp: NOW + 3601 })],
    ['C-039 the same, issued before', 'token_lifetime_exceeded', token({ iat: NOW - 3600, exp: NOW + 1 })],
    ['C-039 the same without iat', 'token_lifetime_exceeded', token({ iat: undefined, exp: NOW + 3601 })],
    ['C-040 another realm that is not trusted, a valid key', 'token_issuer_mismatch', token({ iss: `${USERS}-other` })],
    ['C-040 another trusted realm, a key of the first', 'token_key_not_found', token({ iss: SERVICES })],
    [
      'C-040 another trusted realm, its kid and a key of the first',
      'token_signature_invalid',
      token({ iss: SERVICES }, { header: { kid: 'service' } }),
    ],
    ...[
      [USERS],
      undefined,
      null,
      1,
      '',
      `${USERS}/`,
      `${USERS}.evil`,
      USERS.toUpperCase(),
      ` ${USERS}`,
      `${USERS}\u0000`,
      '__proto__',
    ].map((iss): CorpusRow => [`C-041 iss ${JSON.stringify(iss)}`, 'token_issuer_mismatch', token({ iss })]),
    ['C-042 no aud', 'token_aud_missing', token({ aud: undefined })],
    ['C-042 aud is an empty array', 'token_aud_missing', token({ aud: [] })],
    ...[
      `${audience}2`,
      audience.slice(0, -1),
      audience.toUpperCase(),
      '*',
      '',
      { [audience]: 1 },
      null,
      1,
      ['other'],
      [[audience]],
      [audience, 1],
    ].map((aud): CorpusRow => [`C-043 aud ${JSON.stringify(aud)}`, 'token_aud_mismatch', token({ aud })]),
    ...['ID', 'Refresh', 'Offline', 'Logout', 'refresh', 'LOGOUT'].map(
      (typ): CorpusRow => [`C-045 typ claim ${typ}`, 'token_typ_mismatch', token({ typ })],
    ),
    ...['logout+jwt', 'id+jwt', 'dpop+jwt', 'secevent+jwt', 'application/jwt', 'at+jwt2', '', ' at+jwt', 'JOSE'].map(
      (typ): CorpusRow => [`C-045 typ header ${JSON.stringify(typ)}`, 'token_typ_mismatch', header({ typ })],
    ),
    [
      'C-045 a logout token by its events',
      'token_typ_mismatch',
      token({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }),
    ],
    ...['at_hash', 'c_hash'].map(
      (name): CorpusRow => [
        `C-045 an ID token by its ${name}`,
        'token_typ_mismatch',
        token({ [name]: 'a'.repeat(22) }),
      ],
    ),
    ['C-045 typ claim of another type', 'token_claim_type', token({ typ: ['ID'] })],
    ['C-045 typ header of another type', 'token_malformed', header({ typ: ['at+jwt'] })],
    ['C-046 typ client-authentication+jwt', 'token_typ_mismatch', header({ typ: 'client-authentication+jwt' })],
    ...[undefined, '', 1, null, ['user-123'], 'a\u0000b', 'a\r\nb', 'a\u0085b', 'a\u2029b'].map(
      (sub): CorpusRow => [`C-047 sub ${JSON.stringify(sub)}`, 'token_sub_invalid', token({ sub })],
    ),
    ...[0, null, {}, [], true, '', 'a\nb'].flatMap((value): CorpusRow[] => [
      [`C-048 azp ${JSON.stringify(value)}`, 'token_claim_type', token({ azp: value })],
      [`C-048 client_id ${JSON.stringify(value)}`, 'token_claim_type', token({ client_id: value })],
    ]),
    ['C-048 azp and client_id differ', 'token_client_mismatch', token({ azp: 'web-app', client_id: 'admin-app' })],
    ...[1, null, {}, ['a', 1]].map(
      (scope): CorpusRow => [`C-049 scope ${JSON.stringify(scope)}`, 'token_claim_type', token({ scope })],
    ),
    ['C-050 a token of 8 KiB and one character', 'token_too_large', 'a'.repeat(8193)],
    ['C-050 a valid token that is too large', 'token_too_large', token({ note: 'n'.repeat(8000) })],
    ['C-051 8,000 dots', 'token_malformed', '.'.repeat(8000)],
    ...[17, 5000].map(
      (depth): CorpusRow => [
        `C-052 claims ${depth} deep`,
        'token_malformed',
        token({}, { rawPayload: '['.repeat(depth) + ']'.repeat(depth > 17 ? 0 : depth) }),
      ],
    ),
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
    ['C-056 zip DEF', 'token_header_unsupported', header({ zip: 'DEF' })],
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
