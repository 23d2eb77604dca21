/** Bytes of a Workload API that are not what they should be, and what is written read back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  readJwtBundlesResponse,
  readJwtSvidRequest,
  readJwtSvidResponse,
  readValidateJwtSvidRequest,
  readX509BundlesResponse,
  readX509SvidResponse,
  writeJwtBundlesResponse,
  writeJwtSvidRequest,
  writeJwtSvidResponse,
  writeValidateJwtSvidRequest,
  writeX509BundlesResponse,
  writeX509SvidResponse,
} from './messages.ts';
import { WireError } from './wire.ts';

const READERS = {
  'an X509SVIDResponse': readX509SvidResponse,
  'an X509BundlesResponse': readX509BundlesResponse,
  'a JWTSVIDRequest': readJwtSvidRequest,
  'a JWTSVIDResponse': readJwtSvidResponse,
  'a JWTBundlesResponse': readJwtBundlesResponse,
  'a ValidateJWTSVIDRequest': readValidateJwtSvidRequest,
};

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('a protobuf message is refused when', () => {
  const ROWS: readonly (readonly [title: string, read: (bytes: Uint8Array) => unknown, hex: string, reason: RegExp])[] =
    [
      ['it ends within a member', readX509SvidResponse, '0a 05 61', /no protobuf message/],
      ['it ends within a tag', readX509SvidResponse, 'ff', /no protobuf message/],
      [
        'a length is larger than an integer',
        readX509SvidResponse,
        '0a ff ff ff ff ff ff ff ff ff 7f',
        /no protobuf message/,
      ],
      ['a length is nearly 4 GiB', readX509SvidResponse, '0a ff ff ff ff 0f', /no protobuf message/],
      ['a field has the number 0', readX509SvidResponse, '02 00', /no protobuf message/],
      ['a list is a number', readX509SvidResponse, '08 01', /field 1 has another type/],
      ['a text is a double', readJwtSvidRequest, '11 00 00 00 00 00 00 00 00', /field 2 has another type/],
      ['a group is in it', readJwtSvidRequest, '1b 1c', /a group/],
      ['the SPIFFE ID comes twice', readJwtSvidRequest, '12 01 61 12 01 62', /spiffe_id comes twice/],
      [
        'the SPIFFE ID of an identity comes twice',
        readX509SvidResponse,
        '0a 06 0a 01 61 0a 01 61',
        /spiffe_id comes twice/,
      ],
      ['the key comes twice', readX509SvidResponse, '0a 06 1a 01 61 1a 01 62', /x509_svid_key comes twice/],
      ['a token comes twice', readJwtSvidResponse, '0a 06 12 01 61 12 01 62', /svid comes twice/],
      ['an audience is not UTF-8', readJwtSvidRequest, '0a 02 c3 28', /audience is not UTF-8/],
      ['an audience is an overlong NUL', readValidateJwtSvidRequest, '0a 02 c0 80', /audience is not UTF-8/],
      [
        'a trust domain comes twice',
        readJwtBundlesResponse,
        '0a 03 0a 01 61 0a 03 0a 01 61',
        /bundles has a key twice/,
      ],
      [
        'a federated trust domain comes twice',
        readX509SvidResponse,
        '1a 03 0a 01 61 1a 03 0a 01 61',
        /has a key twice/,
      ],
      ['an entry of a map has two keys', readX509BundlesResponse, '12 06 0a 01 61 0a 01 62', /bundles comes twice/],
      ['a list has a million members', readX509BundlesResponse, '0a00'.repeat(1_000_000), /more than 1000 times/],
    ];
  for (const [title, read, hex, reason] of ROWS) {
    test(title, () => {
      assert.throws(
        () => read(bytes(hex)),
        (error) => error instanceof WireError && reason.test(error.message),
      );
    });
  }
});

for (const [name, read] of Object.entries(READERS)) {
  test(`any bytes are ${name} or a refusal, never anything else`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
        try {
          read(any);
        } catch (error) {
          assert.ok(error instanceof WireError);
        }
      }),
    );
  });
}

test('members that are not known are skipped, whatever their type', () => {
  const unknown = '78 96 01 7d 01 02 03 04 79 01 02 03 04 05 06 07 08 7a 02 08 01';
  assert.deepEqual(readJwtSvidRequest(bytes(`${unknown} 0a 01 61`)), { audiences: ['a'], spiffeId: '' });
});

test('every message is read as it was written', () => {
  const der = Buffer.from('3000', 'hex');
  const svid = { spiffeId: 'spiffe://a/b', certificates: der, privateKey: der, bundle: der, hint: 'internal' };
  const x509 = { svids: [svid, { ...svid, hint: '' }], crl: [der], federatedBundles: new Map([['spiffe://c', der]]) };
  assert.deepEqual(readX509SvidResponse(writeX509SvidResponse(x509)), x509);
  const bundles = { crl: [der, der], bundles: new Map([['spiffe://a', der]]) };
  assert.deepEqual(readX509BundlesResponse(writeX509BundlesResponse(bundles)), bundles);
  const request = { audiences: ['a', 'ä'], spiffeId: 'spiffe://a/b' };
  assert.deepEqual(readJwtSvidRequest(writeJwtSvidRequest(request)), request);
  const tokens = [{ spiffeId: 'spiffe://a/b', token: 'e.y.J', hint: '' }];
  assert.deepEqual(readJwtSvidResponse(writeJwtSvidResponse(tokens)), tokens);
  const jwks = new Map([['spiffe://a', Buffer.from('{"keys":[]}')]]);
  assert.deepEqual(readJwtBundlesResponse(writeJwtBundlesResponse(jwks)), jwks);
  const validate = { audience: 'a', token: 'e.y.J' };
  assert.deepEqual(readValidateJwtSvidRequest(writeValidateJwtSvidRequest(validate)), validate);
});
