/** Corpus G, 166 to 176: certificates with a chain that is right, which must not identify anybody all the same. */
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import type { TestCertificateOptions } from '../support/certificates.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

const SUBJECT = [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }];
/** Listed neither as a subject nor by a SPIFFE ID. */
const UNLISTED = [{ CN: 'someone' }];
const GATEWAY = 'spiffe://example.org/zone1/api-gateway';

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar();
});
after(() => order[Symbol.asyncDispose]());

const OTHER = 'spiffe://example.org/zone1/other';
const REFUSED: readonly (readonly [title: string, code: ProblemCode, certificate: TestCertificateOptions])[] = [
  ['C-166 no extended key usage', 'peer_identity_invalid', { uris: [GATEWAY], eku: null }],
  [
    'C-167 the right CN beside another SPIFFE ID',
    'peer_not_allowed',
    { uris: ['spiffe://example.org/zone1/other'], subject: [{ CN: 'api-gateway-client' }] },
  ],
  ['C-167 the right CN without the organization', 'peer_identity_missing', { subject: [{ CN: 'api-gateway-client' }] }],
  [
    'C-168 a CN that reads like the whole subject',
    'peer_identity_missing',
    { subject: [{ CN: 'api-gateway-client,O=MyOrg' }] },
  ],
  ['C-169 two CNs', 'peer_identity_invalid', { subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }, { CN: 'x' }] }],
  ['C-169 a multi-valued RDN', 'peer_identity_invalid', { subject: [{ O: 'MyOrg', CN: 'api-gateway-client' }] }],
  ['C-169 S3-164 an extra RDN', 'peer_identity_missing', { subject: [{ OU: 'x' }, ...SUBJECT] }],
  [
    'S3-164 another organization',
    'peer_identity_missing',
    { subject: [{ O: 'EvilOrg' }, { CN: 'api-gateway-client' }] },
  ],
  ['C-168 a line end in the CN', 'peer_identity_invalid', { subject: [{ CN: 'api-gateway-client\nO=MyOrg' }] }],
  ['C-170 NUL in the CN', 'peer_identity_invalid', { subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client\0.evil' }] }],
  ['C-170 NUL in the SAN', 'peer_identity_invalid', { uris: [`${GATEWAY}\0.evil`] }],
  ['C-171 a SPIFFE ID as DNS name', 'peer_identity_invalid', { dns: [GATEWAY] }],
  ['C-171 a SPIFFE ID as e-mail', 'peer_identity_invalid', { emails: [GATEWAY] }],
  ['C-171 a SPIFFE ID as otherName', 'peer_identity_invalid', { otherNames: [GATEWAY] }],
  ['C-172 two URI SANs', 'peer_identity_invalid', { uris: [GATEWAY, 'spiffe://example.org/zone1/other'] }],
  ['C-173 an upper-case trust domain', 'peer_identity_invalid', { uris: ['spiffe://Example.org/zone1/api-gateway'] }],
  ['C-173 a final slash', 'peer_identity_invalid', { uris: [`${GATEWAY}/`] }],
  ['C-173 a dot segment', 'peer_identity_invalid', { uris: ['spiffe://example.org/zone1/../zone1/api-gateway'] }],
  ['C-173 a percent-encoding', 'peer_identity_invalid', { uris: ['spiffe://example.org/zone1/%61pi-gateway'] }],
  ['C-173 a port', 'peer_identity_invalid', { uris: ['spiffe://example.org:443/zone1/api-gateway'] }],
  ['C-173 a query', 'peer_identity_invalid', { uris: [`${GATEWAY}?x`] }],
  ['C-173 more than 2048 bytes', 'peer_identity_invalid', { uris: [`spiffe://example.org/${'a'.repeat(2048)}`] }],
  [
    'C-174 a trust domain that ends differently',
    'peer_not_allowed',
    { uris: ['spiffe://example.org.evil/zone1/api-gateway'], subject: UNLISTED },
  ],
  ['C-174 a longer path', 'peer_not_allowed', { uris: [`${GATEWAY}-evil`], subject: UNLISTED }],
  [
    'C-174 a dot that is no wildcard',
    'peer_not_allowed',
    { uris: ['spiffe://examplexorg/zone1/api-gateway'], subject: UNLISTED },
  ],
  ['C-175 a leaf that is a CA', 'peer_identity_invalid', { uris: [GATEWAY], ca: true }],
  [
    'C-175 a leaf that may sign certificates',
    'peer_identity_invalid',
    { uris: [GATEWAY], keyUsage: ['digitalSignature', 'keyCertSign'] },
  ],
  ['C-176 a wildcard SAN', 'peer_identity_invalid', { dns: ['*.zone1.local'], uris: [GATEWAY] }],
  ...['*', 'a*.zone1.local', '*a.zone1.local', 'a.*.local', 'zone1.*'].map(
    (name) => [`C-176 the DNS name ${name}`, 'peer_identity_invalid', { dns: [name], uris: [GATEWAY] }] as const,
  ),
  ['C-176 a wildcard in the SPIFFE ID', 'peer_identity_invalid', { uris: ['spiffe://example.org/zone1/*'] }],
  ['C-176 a wildcard in the subject', 'peer_identity_missing', { subject: [{ O: 'MyOrg' }, { CN: '*' }] }],
  [
    'C-167 the right CN beside a DNS name',
    'peer_identity_missing',
    { subject: [{ CN: 'api-gateway-client' }], dns: ['a.b'] },
  ],
  ['C-167 the SPIFFE ID as the CN', 'peer_identity_missing', { subject: [{ CN: GATEWAY }] }],
  ...['api-gateway-client\\,O=MyOrg', 'api-gateway-client/O=MyOrg', 'api-gateway-client+O=MyOrg'].map(
    (name) => [`C-168 the CN ${JSON.stringify(name)}`, 'peer_identity_missing', { subject: [{ CN: name }] }] as const,
  ),
  ['C-168 an O that spells the CN too', 'peer_identity_missing', { subject: [{ O: 'MyOrg,CN=api-gateway-client' }] }],
  ['C-168 another case', 'peer_identity_missing', { subject: [{ O: 'MYORG' }, { CN: 'api-gateway-client' }] }],
  ['C-168 a blank at the end', 'peer_identity_missing', { subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client ' }] }],
  ['C-169 the right O twice', 'peer_identity_missing', { subject: [{ O: 'MyOrg' }, ...SUBJECT] }],
  [
    'C-169 two CNs beside the right SPIFFE ID',
    'peer_identity_invalid',
    { subject: [{ CN: 'a' }, { CN: 'b' }], uris: [GATEWAY] },
  ],
  [
    'C-169 a multi-valued RDN beside the right SPIFFE ID',
    'peer_identity_invalid',
    { subject: [{ O: 'a', CN: 'b' }], uris: [GATEWAY] },
  ],
  ['C-169 no subject', 'peer_identity_missing', { subject: [] }],
  ['C-170 NUL at the end of the SPIFFE ID', 'peer_identity_invalid', { uris: [`${GATEWAY}\0`] }],
  ['C-170 NUL in an e-mail name', 'peer_identity_invalid', { uris: [GATEWAY], emails: ['a@b\0.evil'] }],
  ['C-170 NUL in an otherName', 'peer_identity_invalid', { uris: [GATEWAY], otherNames: ['admin\0'] }],
  ['C-170 NUL in a DNS name beside the SPIFFE ID', 'peer_identity_invalid', { uris: [GATEWAY], dns: ['a.b\0.evil'] }],
  ['C-171 the right SPIFFE ID beside one as a DNS name', 'peer_identity_invalid', { uris: [GATEWAY], dns: [OTHER] }],
  ['C-171 a SPIFFE ID in capitals as e-mail', 'peer_identity_invalid', { emails: [GATEWAY.toUpperCase()] }],
  ['C-172 the same URI SAN twice', 'peer_identity_invalid', { uris: [GATEWAY, GATEWAY] }],
  ['C-172 a web page beside the SPIFFE ID', 'peer_identity_invalid', { uris: [GATEWAY, 'https://example.org/'] }],
  ['C-172 an empty URI beside the SPIFFE ID', 'peer_identity_invalid', { uris: [GATEWAY, ''] }],
  ['C-172 three URI SANs', 'peer_identity_invalid', { uris: [OTHER, GATEWAY, OTHER] }],
  ...['SPIFFE:', 'Spiffe:', 'spiffe:/', 'http:', 'spiffes:', ' spiffe:', 'urn:'].map(
    (scheme) =>
      [`C-173 the scheme ${scheme}`, 'peer_identity_invalid', { uris: [GATEWAY.replace('spiffe:', scheme)] }] as const,
  ),
  ...[
    '/zone1//api-gateway',
    '/./zone1/api-gateway',
    '/zone1/api-gateway/.',
    '/zone1/api%2Dgateway',
    '',
    '/',
    '//zone1/api-gateway',
  ].map(
    (path) =>
      [
        `C-173 the path ${JSON.stringify(path)}`,
        'peer_identity_invalid',
        { uris: [`spiffe://example.org${path}`] },
      ] as const,
  ),
  ...[
    'user@example.org',
    'user:pass@example.org',
    'example.org:',
    '',
    'ex%61mple.org',
    '[::1]',
    'example.org\\',
    '\xd0\xb5xample.org',
  ].map(
    (domain) =>
      [
        `C-173 the trust domain ${JSON.stringify(domain)}`,
        'peer_identity_invalid',
        { uris: [`spiffe://${domain}/zone1/api-gateway`] },
      ] as const,
  ),
  ['C-173 a fragment', 'peer_identity_invalid', { uris: [`${GATEWAY}#x`] }],
  ['C-173 a byte more than 2048', 'peer_identity_invalid', { uris: [`spiffe://example.org/${'a'.repeat(2049 - 21)}`] }],
  ['C-173 a trust domain of 256 bytes', 'peer_identity_invalid', { uris: [`spiffe://${'a'.repeat(256)}/a`] }],
  ...[
    'example.org.',
    '.example.org',
    'xexample.org',
    'example.org-evil',
    'evil.example.org',
    'example-org',
    'exampleorg',
  ].map(
    (domain) =>
      [
        `C-174 the trust domain ${domain}`,
        'peer_not_allowed',
        { uris: [`spiffe://${domain}/zone1/api-gateway`], subject: UNLISTED },
      ] as const,
  ),
  ...[
    '/zone1/api-gateway/x',
    '/zone1/api-gatewa',
    '/zone1',
    '/zone1/api-gateway.',
    '/x/zone1/api-gateway',
    '/zone1/API-gateway',
    '/zone1/api_gateway',
  ].map(
    (path) =>
      [
        `C-174 the path ${path}`,
        'peer_not_allowed',
        { uris: [`spiffe://example.org${path}`], subject: UNLISTED },
      ] as const,
  ),
  [
    'C-175 a leaf that may sign revocation lists',
    'peer_identity_invalid',
    { uris: [GATEWAY], keyUsage: ['digitalSignature', 'cRLSign'] },
  ],
  ['C-175 a leaf that is a CA for no one below', 'peer_identity_invalid', { uris: [GATEWAY], ca: true, pathLength: 0 }],
];

describe('refused by identity, with a chain that is right', () => {
  for (const [title, code, certificate] of REFUSED) {
    test(title, async () => {
      const client = order.zone.issue({ subject: SUBJECT, ...certificate });
      await order.refused(code, () => order.send({}, client));
    });
  }
});

describe('each ASCII byte in a SPIFFE ID', () => {
  const bytes = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
  const inDomain = /[a-z0-9._-]/;
  const PLACES: readonly (readonly [title: string, uri: (byte: string) => string, allowed: RegExp])[] = [
    ['trust domain', (byte) => `spiffe://example${byte}org/zone1/other`, inDomain],
    ['path segment', (byte) => `spiffe://example.org/zone1/api${byte}x`, /[A-Za-z0-9._-]/],
  ];
  for (const [title, uri, allowed] of PLACES) {
    test(`C-173 in the ${title}: most of them make it none, the others another one`, async () => {
      for (const byte of bytes) {
        // A slash ends the trust domain, or begins another segment.
        const code = allowed.test(byte) || byte === '/' ? 'peer_not_allowed' : 'peer_identity_invalid';
        if (uri(byte) === OTHER || uri(byte) === GATEWAY) continue;
        await order.refused(code, () => order.send({}, order.zone.issue({ subject: UNLISTED, uris: [uri(byte)] })));
      }
    });
  }
});
