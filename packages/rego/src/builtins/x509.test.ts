import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { answer, NOW, testContext } from '../../../../tests/support/rego-context.ts';
import { objectGet } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { encodeBase64 } from './base64.ts';

/** `CN=root` (authority, path length 0), and `CN=leaf` for `leaf.example`, valid 2026-01-01 to 2027-01-01. */
const ROOT = `-----BEGIN CERTIFICATE-----
MIIBMTCB2aADAgECAgEBMAoGCCqGSM49BAMCMA8xDTALBgNVBAMTBHJvb3QwHhcN
MjYwMTAxMDAwMDAwWhcNMjcwMTAxMDAwMDAwWjAPMQ0wCwYDVQQDEwRyb290MFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwc6JGD7+qbDdQSSmHhOCmVlBZgTfVlxa
S9pgIKXmuFFLCJdipJB4SrOvoh2pUSBYOcTO975m7/s/VhKOvjSQ96MmMCQwEgYD
VR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAgQwCgYIKoZIzj0EAwIDRwAw
RAIgQd+XKu65fVWBvx5wLVbzbfsPWF9fGboBCDptauwiKeMCIHYGEteCf0QzqRgZ
j69+8aXi2Vr5qaPoJ89Q2X/RmZga
-----END CERTIFICATE-----
`;
const LEAF = `-----BEGIN CERTIFICATE-----
MIIBVDCB+6ADAgECAgECMAoGCCqGSM49BAMCMA8xDTALBgNVBAMTBHJvb3QwHhcN
MjYwMTAxMDAwMDAwWhcNMjcwMTAxMDAwMDAwWjAPMQ0wCwYDVQQDEwRsZWFmMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdxUD1HXI5/5gDUGq5pewoyZ7GEQ1ZExD
wX0GUdKG2i/7Z+dzhX6JNcSETbD0bRGSFPjKH+POo/IFvalldEKVj6NIMEYwDAYD
VR0TAQH/BAIwADAdBgNVHSUEFjAUBggrBgEFBQcDAQYIKwYBBQUHAwIwFwYDVR0R
BBAwDoIMbGVhZi5leGFtcGxlMAoGCCqGSM49BAMCA0gAMEUCIQC5P8LICBfKWTAS
0GSRrSUZ01OsEj+lLuYU1HOxPOXI/gIgJY95aL0A/ziblOE9bjuqMW0/lDZgu3mq
83bObCzNHT8=
-----END CERTIFICATE-----
`;
const REFUSED: Value = [false, []];
const DAY = 86_400_000_000_000n;

const verify = (certificates: string, options: Value = {}, now = NOW) =>
  answer('crypto.x509.parse_and_verify_certificates_with_options', [certificates, options], testContext({ now }));

describe('crypto.x509.parse_and_verify_certificates_with_options', () => {
  const refused: readonly (readonly [name: string, certificates: string, options: Value, now?: bigint])[] = [
    ['a leaf that is trusted, but not for this use', LEAF + LEAF, { KeyUsages: ['KeyUsageCodeSigning'] }],
    ['a leaf that is trusted, but past', LEAF + LEAF, {}, NOW + 365n * DAY],
    ['a single certificate', ROOT, {}],
    ['a leaf that the root did not sign', LEAF + ROOT, {}],
    ['an expired chain', ROOT + LEAF, {}, NOW + 365n * DAY],
    ['a chain from the future', ROOT + LEAF, {}, NOW - 365n * DAY],
    ['another DNS name', ROOT + LEAF, { DNSName: 'other.example' }],
    ['another use', ROOT + LEAF, { KeyUsages: ['KeyUsageCodeSigning'] }],
    ['no certificate at all', 'x', {}],
  ];
  for (const [name, certificates, options, now] of refused) {
    test(`${name} does not verify`, () => {
      assert.deepEqual(verify(certificates, options, now), REFUSED);
    });
  }

  test('a chain to the root verifies, leaf first', () => {
    const [valid, chain] = verify(ROOT + LEAF, { DNSName: 'leaf.example' }) as readonly [
      boolean,
      readonly ObjectValue[],
    ];
    assert.equal(valid, true);
    const names = chain.map((one) => objectGet(objectGet(one, 'Subject') as ObjectValue, 'CommonName'));
    assert.deepEqual(names, ['leaf', 'root']);
    assert.deepEqual(objectGet(chain[0] as ObjectValue, 'DNSNames'), ['leaf.example']);
  });

  test('a leaf that is trusted itself needs no issuer', () => {
    const [valid, chain] = verify(LEAF + LEAF) as readonly [boolean, readonly ObjectValue[]];
    assert.equal(valid, true);
    assert.equal(chain.length, 1);
  });

  test('unknown options and uses are errors', () => {
    assert.deepEqual(verify(ROOT + LEAF, { Roots: 1 }), { refusal: 'eval_builtin_error: invalid key option' });
    assert.deepEqual(verify(ROOT + LEAF, { KeyUsages: ['X'] }), {
      refusal: "eval_builtin_error: invalid entries for 'KeyUsages' found: [X]",
    });
  });
});

test('whatever the bytes are, parsing answers or refuses, and never crashes', () => {
  const leaf = Buffer.from(LEAF.replace(/-----[^-]*-----|\n/g, ''), 'base64');
  fc.assert(
    fc.property(fc.nat(leaf.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(leaf.length), (at, byte, length) => {
      const mutated = Uint8Array.from(leaf.subarray(0, length));
      mutated[at] = byte;
      for (const name of ['crypto.x509.parse_certificates', 'crypto.x509.parse_certificate_request']) {
        answer(name, [encodeBase64(mutated, 'base64')]);
      }
    }),
    { numRuns: 1000 },
  );
});
