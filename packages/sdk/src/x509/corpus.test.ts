/** Corpus cases 166 to 176: certificates that a chain may vouch for and that still must not identify a client. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTestAuthority, type TestCertificateOptions } from '../../../../tests/support/certificates.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import { type AllowedClients, compileAllowedClients } from './allowed-clients.ts';
import { readCertificate } from './certificate.ts';
import { identifyCertificate } from './peer.ts';

const GATEWAY = 'spiffe://example.org/zone1/api-gateway';
const SUBJECT = [{ CN: 'api-gateway-client' }, { O: 'MyOrg' }];
const authority = createTestAuthority('zone2-ca');

function allow(...entries: string[]): AllowedClients {
  const compiled = compileAllowedClients(entries);
  assert.ok(compiled.ok, 'the entries of this test are identities');
  return compiled.value;
}

const bySpiffeId = allow(GATEWAY, 'spiffe://acme.com/ns/prod');
const bySubject = allow('CN=api-gateway-client,O=MyOrg');

/** The whole judgement on one certificate: `allowed`, or the code that refuses it. */
function judge(options: TestCertificateOptions, allowed: AllowedClients): ProblemCode | 'allowed' {
  try {
    const peer = identifyCertificate(readCertificate(authority.issue(options).der), allowed);
    return allowed.allows(peer) ? 'allowed' : 'peer_not_allowed';
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    assert.equal(error.row.status, 403);
    return error.code;
  }
}

type Row = readonly [title: string, options: TestCertificateOptions, code: ProblemCode];

/** Each certificate of this table would be allowed but for what its title says. */
const bad = { uris: [GATEWAY], subject: SUBJECT };
const HOSTILE: readonly Row[] = [
  ['C-166 only server authentication', { ...bad, eku: ['serverAuth'] }, 'peer_identity_invalid'],
  ['C-166 no extended key usage', { ...bad, eku: null }, 'peer_identity_invalid'],
  ['C-166 an empty extended key usage', { ...bad, eku: [] }, 'peer_identity_invalid'],
  ['C-166 any extended key usage', { ...bad, eku: ['any'] }, 'peer_identity_invalid'],
  [
    'C-166 any extended key usage beside client authentication',
    { ...bad, eku: ['clientAuth', 'any'] },
    'peer_identity_invalid',
  ],
  [
    'C-169 two common names',
    { ...bad, subject: [{ CN: 'api-gateway-client' }, { CN: 'x' }, { O: 'MyOrg' }] },
    'peer_identity_invalid',
  ],
  [
    'C-169 a multi-valued RDN',
    { ...bad, subject: [{ CN: 'api-gateway-client', O: 'MyOrg' }] },
    'peer_identity_invalid',
  ],
  [
    'C-170 NUL in the common name',
    { ...bad, subject: [{ CN: 'api-gateway-client\0.evil' }, { O: 'MyOrg' }] },
    'peer_identity_invalid',
  ],
  ['C-170 NUL in the URI name', { ...bad, uris: [`${GATEWAY}\0.evil`] }, 'peer_identity_invalid'],
  ['C-170 NUL in a DNS name', { ...bad, dns: ['good.example\0.evil'] }, 'peer_identity_invalid'],
  ['C-170 NUL in an e-mail name', { ...bad, emails: ['a@good.example\0.evil'] }, 'peer_identity_invalid'],
  ['C-170 NUL in an otherName', { ...bad, otherNames: ['admin\0@evil'] }, 'peer_identity_invalid'],
  ['C-171 the SPIFFE ID in a DNS name', { ...bad, uris: [], dns: [GATEWAY] }, 'peer_identity_invalid'],
  ['C-171 the SPIFFE ID in an e-mail name', { ...bad, uris: [], emails: [GATEWAY] }, 'peer_identity_invalid'],
  ['C-171 the SPIFFE ID in an otherName', { ...bad, uris: [], otherNames: [GATEWAY] }, 'peer_identity_invalid'],
  [
    'C-172 two URI names',
    { ...bad, uris: [GATEWAY, 'spiffe://example.org/zone2/order-service'] },
    'peer_identity_invalid',
  ],
  ['C-172 the same URI name twice', { ...bad, uris: [GATEWAY, GATEWAY] }, 'peer_identity_invalid'],
  [
    'C-172 a second URI name that is not a SPIFFE ID',
    { ...bad, uris: [GATEWAY, 'https://example.org/'] },
    'peer_identity_invalid',
  ],
  ...[
    'spiffe://Example.org/zone1/api-gateway',
    'SPIFFE://example.org/zone1/api-gateway',
    'spiffe://example.org/zone1/api-gateway/',
    'spiffe://example.org/zone1/../zone1/api-gateway',
    'spiffe://example.org/zone1//api-gateway',
    'spiffe://example.org/zone1/%61pi-gateway',
    'spiffe://example.org:443/zone1/api-gateway',
    'spiffe://user@example.org/zone1/api-gateway',
    'spiffe://example.org/zone1/api-gateway?x',
    'spiffe://example.org/zone1/api-gateway#x',
    'spiffe://example.org',
    'spiffe:///zone1/api-gateway',
    'https://example.org/zone1/api-gateway',
    '',
    `spiffe://example.org/${'a'.repeat(2048)}`,
  ].map((uri): Row => [`C-173 the SPIFFE ID ${uri.slice(0, 60)}`, { ...bad, uris: [uri] }, 'peer_identity_invalid']),
  ['C-174 a longer trust domain', { ...bad, uris: ['spiffe://acme.com.evil/ns/prod'] }, 'peer_not_allowed'],
  ['C-174 a longer last segment', { ...bad, uris: ['spiffe://acme.com/ns/prod-evil'] }, 'peer_not_allowed'],
  ['C-174 one segment more', { ...bad, uris: ['spiffe://acme.com/ns/prod/evil'] }, 'peer_not_allowed'],
  [
    'C-174 another character where the list has a dot',
    { ...bad, uris: ['spiffe://acmexcom/ns/prod'] },
    'peer_not_allowed',
  ],
  ['C-175 an authority', { ...bad, ca: true }, 'peer_identity_invalid'],
  ['C-175 keyCertSign', { ...bad, keyUsage: ['digitalSignature', 'keyCertSign'] }, 'peer_identity_invalid'],
  ['C-175 cRLSign', { ...bad, keyUsage: ['digitalSignature', 'cRLSign'] }, 'peer_identity_invalid'],
  ['C-175 a key that is not meant for signatures', { ...bad, keyUsage: ['keyEncipherment'] }, 'peer_identity_invalid'],
  ['C-176 a wildcard DNS name', { ...bad, dns: ['*.example.org'] }, 'peer_identity_invalid'],
  ['C-176 a wildcard inside a DNS name', { ...bad, dns: ['a*.example.org'] }, 'peer_identity_invalid'],
  ['C-176 a wildcard e-mail name', { ...bad, emails: ['*@example.org'] }, 'peer_identity_invalid'],
  ['C-176 a wildcard SPIFFE ID', { ...bad, uris: ['spiffe://example.org/zone1/*'] }, 'peer_identity_invalid'],
  ['C-179 version 1', { ...bad, version: 1 }, 'peer_identity_invalid'],
  ['C-180 RSA with 1024 bits', { ...bad, keyAlgorithm: 'rsa-1024' }, 'peer_identity_invalid'],
  ['C-180 the curve P-192', { ...bad, keyAlgorithm: 'p192' }, 'peer_identity_invalid'],
  ['C-180 a SHA-1 signature', { ...bad, hash: 'sha1' }, 'peer_identity_invalid'],
];

describe('a client certificate is refused', () => {
  for (const [title, options, code] of HOSTILE) {
    it(`${title} → 403 ${code}, whether SPIFFE ID or subject is listed`, () => {
      assert.equal(judge(options, bySpiffeId), code);
      if (code === 'peer_identity_invalid') assert.equal(judge(options, bySubject), code);
    });
  }

  it('C-179 and the reason names version 1, not what version 1 cannot have', () => {
    const { der } = authority.issue({ ...bad, version: 1 });
    assert.throws(() => identifyCertificate(readCertificate(der), bySubject), { message: /version 1 instead of 3/ });
  });

  it('C-166 its neighbour with client and server authentication is allowed', () => {
    assert.equal(judge({ ...bad, eku: ['serverAuth', 'clientAuth'] }, bySpiffeId), 'allowed');
  });
});

describe('a common name is an identity only as part of a listed subject', () => {
  it('C-167 the right CN without SPIFFE ID → 403 peer_identity_missing', () => {
    assert.equal(judge({ subject: SUBJECT }, bySpiffeId), 'peer_identity_missing');
    assert.equal(judge({ subject: SUBJECT, dns: ['api-gateway.zone1.local'] }, bySpiffeId), 'peer_identity_missing');
  });

  it('C-167 the right CN with the SPIFFE ID of another service → 403 peer_not_allowed', () => {
    const uris = ['spiffe://example.org/zone2/payment-service'];
    assert.equal(judge({ subject: SUBJECT, uris }, bySpiffeId), 'peer_not_allowed');
  });

  it('C-167 the operator can opt in by listing the whole subject', () => {
    assert.equal(judge({ subject: SUBJECT }, bySubject), 'allowed');
    assert.equal(judge({ subject: SUBJECT.toReversed() }, bySubject), 'allowed', 'the order does not matter');
    assert.equal(judge({ subject: SUBJECT, uris: [GATEWAY] }, bySubject), 'allowed');
  });

  const STRANGERS: readonly [string, TestCertificateOptions['subject']][] = [
    ['C-168 one CN that spells the whole subject', [{ CN: 'api-gateway-client,O=MyOrg' }]],
    ['C-168 one CN that spells the rest of it', [{ CN: 'api-gateway-client\\,O=MyOrg' }]],
    ['C-169 a missing RDN', [{ CN: 'api-gateway-client' }]],
    ['C-169 an extra RDN', [...SUBJECT, { OU: 'x' }]],
    ['C-169 the same RDN twice', [...SUBJECT, { O: 'MyOrg' }]],
    ['C-169 another organization', [{ CN: 'api-gateway-client' }, { O: 'MyOrg2' }]],
    ['C-169 the values swapped', [{ O: 'api-gateway-client' }, { CN: 'MyOrg' }]],
    ['C-169 another case', [{ CN: 'API-gateway-client' }, { O: 'MyOrg' }]],
    ['C-169 an empty subject', []],
  ];
  for (const [title, subject = []] of STRANGERS) {
    it(`S3-164 ${title} → 403`, () => {
      assert.equal(judge({ subject }, bySubject), 'peer_identity_missing');
      assert.equal(judge({ subject, uris: [GATEWAY] }, bySubject), 'peer_not_allowed');
    });
  }
});
