import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createTestAuthority } from '../../../../tests/support/certificates.ts';
import { Problem } from '../problem.ts';
import { readCertificate } from './certificate.ts';
import { DerError, readDer, readFields, TAG } from './der.ts';
import { readBoolean, readInteger, readNamedBits, readOid, readText, readTime } from './der-values.ts';
import * as write from './der-writer.ts';
import { readDistinguishedName } from './distinguished-name.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const text = (tag: string, content: string): Buffer => {
  const body = Buffer.from(content, 'latin1');
  return Buffer.concat([bytes(tag), Buffer.from([body.length]), body]);
};

describe('readDer refuses', () => {
  const MALFORMED: readonly [string, string, RegExp][] = [
    ['nothing', '', /ends early/],
    ['a tag alone', '30', /ends early/],
    ['a multi-byte tag', '1f 01 00', /multi-byte tag/],
    ['an indefinite length', '30 80 00 00', /indefinite/],
    ['a long form for a short length', '04 81 01 00', /shortest form/],
    ['a long form with a leading zero', `04 82 00 80 ${'00'.repeat(128)}`, /shortest form/],
    ['a length of five bytes', '04 85 01 00 00 00 00', /larger than any/],
    ['a length of 2^32 - 1', '04 84 ff ff ff ff 00', /longer than what contains it/],
    ['content shorter than its length', '04 02 00', /longer than what contains it/],
    ['a length without its bytes', '04 82 01', /ends early/],
    ['trailing bytes', '05 00 00', /bytes follow/],
  ];
  for (const [title, hex, message] of MALFORMED) {
    it(title, () => assert.throws(() => readDer(bytes(hex)), { name: 'DerError', message }));
  }

  it('a field that is longer than what contains it', () => {
    assert.throws(() => readFields(readDer(bytes('30 03 04 02 00')), TAG.sequence, 'x'), DerError);
  });

  it('another tag than the expected one', () => {
    assert.throws(() => readFields(readDer(bytes('31 00')), TAG.sequence, 'x'), DerError);
  });
});

describe('a primitive value is refused:', () => {
  const REFUSED: readonly [string, (element: ReturnType<typeof readDer>) => unknown, Buffer][] = [
    ['an empty OID', (e) => readOid(e, 'x'), bytes('06 00')],
    ['an OID with a padded arc', (e) => readOid(e, 'x'), bytes('06 03 55 80 04')],
    ['an OID that ends early', (e) => readOid(e, 'x'), bytes('06 02 55 84')],
    ['an OID of 65 bytes', (e) => readOid(e, 'x'), bytes(`06 41 ${'01'.repeat(65)}`)],
    ['an empty integer', (e) => readInteger(e, 'x'), bytes('02 00')],
    ['a padded integer', (e) => readInteger(e, 'x'), bytes('02 02 00 7f')],
    ['a padded negative integer', (e) => readInteger(e, 'x'), bytes('02 02 ff 80')],
    ['a boolean of 1', (e) => readBoolean(e, 'x'), bytes('01 01 01')],
    ['a boolean of two bytes', (e) => readBoolean(e, 'x'), bytes('01 02 ff ff')],
    ['a bit string without its first byte', (e) => readNamedBits(e, 'x'), bytes('03 00')],
    ['a bit string with eight unused bits', (e) => readNamedBits(e, 'x'), bytes('03 02 08 00')],
    ['a bit string that sets unused bits', (e) => readNamedBits(e, 'x'), bytes('03 02 01 81')],
    ['an empty bit string with unused bits', (e) => readNamedBits(e, 'x'), bytes('03 01 01')],
    ['NUL in a text', (e) => readText(e, 'x'), text('0c', 'a\0b')],
    ['a line feed in a text', (e) => readText(e, 'x'), text('13', 'a\nb')],
    ['DEL in a text', (e) => readText(e, 'x'), text('16', 'a\x7f')],
    ['a C1 control character in a text', (e) => readText(e, 'x'), bytes('0c 02 c2 85')],
    ['a byte above 127 in a printable string', (e) => readText(e, 'x'), text('13', 'a\xe9')],
    ['malformed UTF-8', (e) => readText(e, 'x'), bytes('0c 01 ff')],
    ['an overlong UTF-8 NUL', (e) => readText(e, 'x'), bytes('0c 02 c0 80')],
    ['half a UTF-16 character', (e) => readText(e, 'x'), bytes('1e 01 41')],
    ['a lone surrogate', (e) => readText(e, 'x'), bytes('1e 02 d8 00')],
    ['a text of another kind', (e) => readText(e, 'x'), text('14', 'tele')],
    ['a time without seconds', (e) => readTime(e, 'x'), text('17', '2601010000Z')],
    ['a time with a zone', (e) => readTime(e, 'x'), text('17', '260101000000+0100')],
    ['a time with fractions', (e) => readTime(e, 'x'), text('18', '20260101000000.5Z')],
    ['30 February', (e) => readTime(e, 'x'), text('18', '20260230000000Z')],
    ['hour 24', (e) => readTime(e, 'x'), text('18', '20260101240000Z')],
    ['month 13', (e) => readTime(e, 'x'), text('17', '261301000000Z')],
  ];
  for (const [title, read, encoded] of REFUSED) {
    it(title, () => assert.throws(() => read(readDer(encoded)), DerError));
  }
});

describe('a distinguished name is refused:', () => {
  const REFUSED: readonly [string, Buffer, RegExp][] = [
    ['a part without attributes', write.sequence(write.set()), /empty part/],
    [
      'an attribute with two values',
      write.sequence(write.set(write.sequence(write.oid('2.5.4.3'), write.utf8('a'), write.utf8('b')))),
      /several values/,
    ],
    ['an attribute without a value', write.sequence(write.set(write.sequence(write.oid('2.5.4.3')))), /is missing/],
  ];
  for (const [title, encoded, message] of REFUSED) {
    it(title, () => {
      assert.throws(() => readDistinguishedName(readDer(encoded), 'the subject'), { name: 'DerError', message });
    });
  }
});

describe('a primitive value is read:', () => {
  it('object identifiers, also with a root of 2 and a large arc', () => {
    assert.equal(readOid(readDer(bytes('06 03 55 1d 25')), 'x'), '2.5.29.37');
    assert.equal(readOid(readDer(bytes('06 03 88 37 03')), 'x'), '2.999.3');
    assert.equal(readOid(readDer(bytes('06 09 2a 86 48 86 f7 0d 01 01 0b')), 'x'), '1.2.840.113549.1.1.11');
  });

  it('years of both centuries', () => {
    assert.equal(readTime(readDer(text('17', '491231235959Z')), 'x'), Date.UTC(2049, 11, 31, 23, 59, 59));
    assert.equal(readTime(readDer(text('17', '500101000000Z')), 'x'), Date.UTC(1950, 0, 1));
    assert.equal(readTime(readDer(text('18', '99991231235959Z')), 'x'), Date.UTC(9999, 11, 31, 23, 59, 59));
  });

  it('named bits, UTF-8 and UTF-16', () => {
    assert.deepEqual(readNamedBits(readDer(bytes('03 03 07 06 80')), 'x'), [5, 6, 8]);
    assert.equal(readText(readDer(bytes('0c 03 e2 82 ac')), 'x'), '€');
    assert.equal(readText(readDer(bytes('1e 02 20 ac')), 'x'), '€');
  });
});

describe('readCertificate never fails in another way than its own', () => {
  const authority = createTestAuthority('fuzz-ca');
  const { der } = authority.issue({ uris: ['spiffe://example.org/a'], dns: ['a.example'], otherNames: ['x'] });

  const readsOrRefuses = (input: Buffer): void => {
    try {
      readCertificate(input);
    } catch (error) {
      assert.ok(error instanceof Problem, String(error));
      assert.equal(error.code, 'peer_identity_invalid');
    }
  };

  it('on random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (input) => readsOrRefuses(Buffer.from(input))));
  });

  it('on a certificate with changed bytes', () => {
    const change = fc.tuple(fc.nat(der.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const mutated = Buffer.from(der);
        for (const [index, value] of changes) mutated[index] = value;
        readsOrRefuses(mutated);
      }),
      { numRuns: 500 },
    );
  });

  it('on every truncation, and none of them is read', () => {
    for (let length = 0; length < der.length; length++) {
      assert.throws(() => readCertificate(der.subarray(0, length)), Problem);
    }
  });

  it('on a megabyte of nested sequences', () => {
    assert.throws(() => readCertificate(Buffer.alloc(1_000_000, 0x30)), Problem);
  });
});
