import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTestAuthority, type TestCertificateOptions } from '../../../../tests/support/certificates.ts';
import { Problem } from '../problem.ts';
import { compileAllowedClients } from './allowed-clients.ts';
import { readCertificate } from './certificate.ts';
import { type ClientBinding, compileIdentities, type IdentityLookup, mayPresent } from './identities.ts';
import { identifyCertificate, type PeerIdentity } from './peer.ts';

const GATEWAY = 'spiffe://example.org/zone1/api-gateway';
const authority = createTestAuthority('zone2-ca');
const peer = (options: TestCertificateOptions): PeerIdentity =>
  identifyCertificate(readCertificate(authority.issue(options).der), { acceptsSubject: () => true });

const BAD_ENTRIES: readonly [string, RegExp][] = [
  ['', /neither a SPIFFE ID nor a subject; write spiffe:/],
  ['api-gateway-client', /write spiffe:.* or CN=/],
  ['/CN=api-gateway-client/O=MyOrg', /write spiffe:.* or CN=/],
  ['CN=api-gateway-client,MyOrg', /not of the form NAME=value/],
  ['CN=a+O=b', /never accepted/],
  ['XX=a', /is not one of CN/],
  ['spiffe://example.org/*', /pattern; list each/],
  ['spiffe://example.org', /names a trust domain/],
  ['spiffe://Example.org/a', /lower-case/],
  ['https://example.org/a', /does not start with spiffe/],
  ['CN=a\u001b[2J', /control character/],
];

describe('compileAllowedClients', () => {
  it('S3-164 refuses entries that are not identities, all at once, each with what to write', () => {
    const compiled = compileAllowedClients(BAD_ENTRIES.map(([entry]) => entry));
    assert.ok(!compiled.ok);
    assert.equal(compiled.findings.length, BAD_ENTRIES.length);
    for (const [index, [entry, message]] of BAD_ENTRIES.entries()) {
      assert.equal(compiled.findings[index]?.entry, entry);
      assert.match(compiled.findings[index]?.message ?? '', message);
      assert.doesNotMatch(compiled.findings[index]?.message ?? '', /\p{Cc}/u);
    }
  });

  it('reads a subject whose value looks like a URL as a subject', () => {
    assert.ok(compileAllowedClients(['CN=https://example.org,O=MyOrg']).ok);
  });

  it('an empty list allows nobody', () => {
    const compiled = compileAllowedClients([]);
    assert.ok(compiled.ok);
    assert.equal(compiled.value.allows(peer({ uris: [GATEWAY] })), false);
    assert.equal(compiled.value.acceptsSubject([]), false);
  });

  it('S3-164 SD-03 accepts the names of the seed and SPIFFE IDs in one list', () => {
    const compiled = compileAllowedClients(['CN=order-service-client,O=MyOrg', GATEWAY]);
    assert.ok(compiled.ok);
    const { allows } = compiled.value;
    assert.ok(allows(peer({ uris: [GATEWAY] })));
    assert.ok(allows(peer({ subject: [{ O: 'MyOrg' }, { CN: 'order-service-client' }] })));
    assert.ok(!allows(peer({ subject: [{ CN: 'order-service-client' }, { O: 'OtherOrg' }] })));
    assert.ok(!allows(peer({ subject: [{ CN: 'order-service-client2' }, { O: 'MyOrg' }] })));
    assert.ok(!allows(peer({ uris: [`${GATEWAY}2`] })));
  });
});

describe('compileIdentities', () => {
  const issuer = 'https://idp.example.org/realms/services';
  const binding = (clientId: string, ...mayForward: string[]): ClientBinding => ({
    clientId,
    issuer,
    mayForward: mayForward.map((other) => ({ clientId: other, issuer })),
  });
  const compile = (table: Readonly<Record<string, ClientBinding>>): IdentityLookup => {
    const compiled = compileIdentities(new Map(Object.entries(table)));
    assert.ok(compiled.ok);
    return compiled.value;
  };
  const ORDER = [{ CN: 'order-service-client' }, { O: 'MyOrg' }];

  it('SD-05 refuses wrong and repeated identities, all at once', () => {
    const compiled = compileIdentities(
      new Map([
        ['CN=a,O=b', binding('a')],
        ['O=b, CN=a', binding('b')],
        ['nobody', binding('c')],
      ]),
    );
    assert.ok(!compiled.ok);
    assert.deepEqual(
      compiled.findings.map(({ entry }) => entry),
      ['O=b, CN=a', 'nobody'],
    );
    assert.match(compiled.findings[0]?.message ?? '', /listed twice/);
  });

  it('SD-05 knows no client for a certificate that is not listed', () => {
    const lookup = compile({ [GATEWAY]: binding('api-gateway') });
    assert.equal(lookup(peer({ subject: ORDER })), undefined);
    assert.equal(lookup(peer({ uris: [`${GATEWAY}/x`] })), undefined);
  });

  it('SD-05 finds the client by SPIFFE ID, else by subject', () => {
    const lookup = compile({
      [GATEWAY]: binding('api-gateway', 'web-app'),
      'CN=order-service-client,O=MyOrg': binding('order-service'),
    });
    const gateway = lookup(peer({ uris: [GATEWAY] }));
    assert.equal(gateway?.clientId, 'api-gateway');
    assert.deepEqual(gateway?.mayForward, [{ clientId: 'web-app', issuer }]);
    assert.equal(lookup(peer({ subject: ORDER }))?.clientId, 'order-service');
    assert.equal(lookup(peer({ subject: ORDER, uris: ['spiffe://example.org/x'] }))?.clientId, 'order-service');
  });

  for (const [title, other] of [
    ['different clients', binding('order-service')],
    [
      'clients of one name and two issuers',
      { ...binding('api-gateway'), issuer: 'https://idp.example.org/realms/users' },
    ],
  ] as const) {
    it(`C-167 refuses a certificate whose SPIFFE ID and subject belong to ${title}`, () => {
      const lookup = compile({ [GATEWAY]: binding('api-gateway'), 'CN=order-service-client,O=MyOrg': other });
      const both = peer({ uris: [GATEWAY], subject: ORDER });
      assert.throws(
        () => lookup(both),
        (error) => error instanceof Problem && error.code === 'peer_identity_invalid',
      );
    });
  }

  it('SD-05 a client is its name and its issuer, for its own tokens and for those that it passes on', () => {
    const gateway = binding('api-gateway', 'web-app');
    const users = 'https://idp.example.org/realms/users';
    assert.equal(mayPresent(gateway, 'api-gateway', users), false);
    assert.equal(mayPresent(gateway, 'web-app', users), false);
    assert.equal(mayPresent(gateway, 'api-gateway', issuer), true);
    assert.equal(mayPresent(gateway, 'web-app', issuer), true);
  });
});

describe('identifyCertificate', () => {
  it('S3-020 tells common name, organization, thumbprint and expiry', () => {
    const notAfter = new Date('2040-01-02T03:04:05Z');
    const certificate = authority.issue({ uris: [GATEWAY], subject: [{ CN: 'c' }, { O: 'MyOrg' }], notAfter });
    const identity = identifyCertificate(readCertificate(certificate.der), { acceptsSubject: () => false });
    assert.equal(identity.kind, 'spiffe');
    assert.equal(identity.spiffeId?.uri, GATEWAY);
    assert.equal(identity.commonName, 'c');
    assert.equal(identity.organization, 'MyOrg');
    assert.equal(identity.thumbprint, certificate.thumbprint);
    assert.equal(identity.notAfter, notAfter.getTime());
  });

  it('knows no organization when there are two', () => {
    assert.equal(peer({ subject: [{ CN: 'c' }, { O: 'a' }, { O: 'b' }] }).organization, undefined);
  });
});
