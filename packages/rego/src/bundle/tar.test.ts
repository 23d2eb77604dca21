import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { paxHeader, type TarEntry, writeTar } from '../../../../tests/support/tar-writer.ts';
import { BundleError } from './bundle-diagnostic.ts';
import { readTar } from './tar.ts';

const LIMITS = { entries: 20, headerBytes: 4096 };
const LONG = `${'folder/'.repeat(30)}p.rego`;

function files(entries: readonly TarEntry[]): Record<string, string> {
  const read = readTar(writeTar(entries), LIMITS);
  return Object.fromEntries([...read].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]));
}

function refusal(archive: Uint8Array): string {
  try {
    readTar(archive, LIMITS);
  } catch (error) {
    assert.ok(error instanceof BundleError);
    return error.message;
  }
  return assert.fail('the archive was read');
}

const A: TarEntry = { name: 'a.rego', content: 'package a' };

describe('archives that are refused', () => {
  const CASES: readonly (readonly [title: string, entries: readonly TarEntry[], message: RegExp])[] = [
    ['a path that climbs out', [{ name: '../a.rego' }], /leaves the bundle/],
    ['a path that climbs out further down', [{ name: 'a/../../b.rego' }], /leaves the bundle/],
    ['a path that climbs and stays', [{ name: 'a/../b.rego' }], /leaves the bundle/],
    ['an absolute path behind a slash', [{ name: '//etc/passwd' }], /no plain path/],
    ['a path of another system', [{ name: '..\\a.rego' }], /backslash/],
    ['a control character', [{ name: 'a\u001b[2J.rego' }], /control character/],
    ['an empty segment', [{ name: 'a//b.rego' }], /no plain path/],
    ['a dot segment', [{ name: 'a/./b.rego' }], /no plain path/],
    ['no name', [{ name: '' }], /no plain path/],
    ['a folder that climbs out', [{ name: '../a/', type: '5' }], /leaves the bundle/],
    ['a path out of a prefix', [{ name: 'a.rego', prefix: '..' }], /leaves the bundle/],
    ['a path out of a pax record', [paxHeader({ path: '../a.rego' }), A], /leaves the bundle/],
    ['a path out of a long name', [{ name: 'L', type: 'L', content: '../a.rego\0' }, A], /leaves the bundle/],
    ['a path below too many folders', [paxHeader({ path: `${'d/'.repeat(64)}a.rego` }), A], /more than 64 folders/],
    ['a symbolic link', [{ name: 'a.rego', type: '2', linkName: '/etc/passwd' }], /a symbolic link, not a file/],
    ['a hard link', [{ name: 'a.rego', type: '1', linkName: 'b.rego' }], /a hard link, not a file/],
    ['a character device', [{ name: 'a.rego', type: '3' }], /a character device/],
    ['a block device', [{ name: 'a.rego', type: '4' }], /a block device/],
    ['a pipe', [{ name: 'a.rego', type: '6' }], /a pipe/],
    ['a contiguous file', [{ name: 'a.rego', type: '7' }], /an entry of type "7"/],
    ['a sparse file', [{ name: 'a.rego', type: 'S' }], /an entry of type "S"/],
    ['a sparse file by pax', [paxHeader({ 'GNU.sparse.size': '9' }), A], /a sparse file/],
    ['a long link name', [{ name: 'K', type: 'K', content: 'a\0' }, A], /an entry of type "K"/],
    ['a name twice', [A, A], /a\.rego: is in the archive twice/],
    ['a name twice, once behind a slash', [A, { ...A, name: '/a.rego' }], /is in the archive twice/],
    ['a name twice, once behind a dot', [A, { ...A, name: './a.rego' }], /is in the archive twice/],
    ['a wrong checksum', [{ ...A, checksumError: 1 }], /wrong checksum/],
    ['a size that is no number', [{ ...A, sizeField: '0000000009x\0' }], /no octal number/],
    ['a size below zero', [{ ...A, sizeField: '-0000000001\0' }], /no octal number/],
    ['a size in base 256', [{ ...A, sizeField: '\u0001'.repeat(11) }], /no octal number/],
    ['a size behind the end', [{ ...A, sizeField: '77777777777\0' }], /ends too early/],
    ['a pax size behind the end', [paxHeader({ size: '999999999999999' }), A], /ends too early/],
    ['a pax size that is no number', [paxHeader({ size: '1e3' }), A], /malformed/],
    ['a pax record of another length', [{ name: 'x', type: 'x', content: '99 path=b.rego\n' }, A], /malformed/],
    ['a pax record without an end', [{ name: 'x', type: 'x', content: '14 path=b.rego' }, A], /malformed/],
    ['a pax record without a path', [paxHeader({ path: '' }), A], /malformed/],
    ['a path for all that follows', [paxHeader({ path: 'b.rego' }, 'g'), A], /global header/],
    ['a size for all that follows', [paxHeader({ size: '0' }, 'g'), A], /global header/],
    ['an extended header that is too long', [paxHeader({ comment: 'c'.repeat(5000) }), A], /too long/],
    ['an extended header for nothing', [paxHeader({ path: 'a.rego' })], /followed by nothing/],
    ['a folder with content', [{ name: 'a/', type: '5', content: 'x' }], /has content/],
    ['a name that is not UTF-8', [{ name: 'L', type: 'L', content: Buffer.from([0x61, 0xff]) }, A], /not UTF-8/],
    ['too many entries', Array.from({ length: 21 }, (_, i) => ({ name: `${i}.rego` })), /more than 20 entries/],
  ];
  for (const [title, entries, message] of CASES) {
    test(title, () => assert.match(refusal(writeTar(entries)), message));
  }

  test('every archive that is cut off', () => {
    const whole = writeTar([A, { name: 'b.rego', content: 'b' }]);
    for (let length = 0; length < whole.length; length += 128) {
      assert.match(refusal(whole.subarray(0, length)), /ends too early/, `${length} bytes`);
    }
  });

  test('something behind the end', () => {
    assert.match(refusal(Buffer.concat([writeTar([A]), writeTar([A])])), /follows the end/);
    assert.match(refusal(writeTar([A], Buffer.concat([Buffer.alloc(512), Buffer.alloc(512, 1)]))), /follows the end/);
  });
});

describe('archives that are read', () => {
  test('as opa build packs, as tar packs, and with folders', () => {
    const expected = { 'a/p.rego': 'package a' };
    for (const name of ['/a/p.rego', './a/p.rego', 'a/p.rego']) {
      const entries = [
        { name: './', type: '5' },
        { name: 'a/', type: '5' },
        { name, content: 'package a' },
      ];
      assert.deepEqual(files(entries), expected);
    }
  });

  test('long names by prefix, by pax and by GNU', () => {
    assert.deepEqual(files([{ name: LONG.slice(140), prefix: LONG.slice(0, 139) }]), { [LONG]: '' });
    assert.deepEqual(files([paxHeader({ path: LONG, mtime: '1.5' }), A]), { [LONG]: 'package a' });
    assert.deepEqual(files([{ name: '././@LongLink', type: 'L', content: `${LONG}\0` }, A]), { [LONG]: 'package a' });
  });

  test('an extended header counts for one entry only', () => {
    assert.deepEqual(files([paxHeader({ path: 'ä.rego' }), A, { ...A, content: '2' }]), {
      'ä.rego': 'package a',
      'a.rego': '2',
    });
  });

  test('the comment of git archive, old headers, empty files and padding', () => {
    const entries = [paxHeader({ comment: 'c0ffee' }, 'g'), { ...A, magic: '' }, { name: 'empty', type: '\0' }];
    assert.deepEqual(files(entries), { 'a.rego': 'package a', empty: '' });
    assert.equal(readTar(writeTar([A], Buffer.alloc(10_240)), LIMITS).size, 1);
  });
});
