/** Corpus A, 1 to 21, 56 and 57: what a token's header must not say, whoever signed it. */
import { createTestAuthority } from './certificates.ts';
import type { CorpusRow, Minting } from './token-corpus.ts';
import { encode, hmac, mint } from './tokens.ts';

export function headerRows({
  valid,
  keys: { es, rs, ed, attacker },
  claims,
  token,
  header,
}: Minting): readonly CorpusRow[] {
  const attackerCertificate = createTestAuthority('attacker').der.toString('base64');
  const [, , validSignature = ''] = valid.split('.');
  const spki = es.publicKey.export({ format: 'pem', type: 'spki' });
  const unsigned = { sign: () => Buffer.alloc(0) };
  const kept = { sign: () => Buffer.from(validSignature, 'base64url') };
  return [
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
    ...['exp', 'http://openid.net/specs/x', 'cty', 'sub', 'b65', 'B64', '*'].map(
      (name): CorpusRow => [
        `C-018 crit names ${name}, which is there`,
        'token_crit_unsupported',
        header({ crit: [name], [name]: 1 }),
      ],
    ),
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
    ...[true, 'false', 0, null, [false]].map(
      (b64): CorpusRow => [
        `C-020 b64 ${JSON.stringify(b64)} with crit`,
        'token_header_unsupported',
        header({ b64, crit: ['b64'] }),
      ],
    ),
    [
      'C-020 b64 false with crit, the payload as it is',
      'token_header_unsupported',
      `${encode('{"alg":"ES256","kid":"es","b64":false,"crit":["b64"]}')}.{"sub":"a"}.${validSignature}`,
    ],
    ...['false', 'true', 0, null].map(
      (b64): CorpusRow => [
        `C-021 b64 ${JSON.stringify(b64)} without crit`,
        'token_header_unsupported',
        header({ b64 }),
      ],
    ),
    ['C-021 b64 false without crit', 'token_header_unsupported', header({ b64: false })],
    ['C-021 b64 true', 'token_header_unsupported', header({ b64: true })],
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
}
