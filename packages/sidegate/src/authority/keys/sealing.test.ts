import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { CannotOpen, readSealingKey, sealing } from './sealing.ts';

const [OLD, NEW] = [randomBytes(32), randomBytes(32)];
const SECRET = Buffer.from('-----BEGIN PRIVATE KEY-----');
const sealed = sealing([OLD], randomBytes).seal(SECRET, 'signing-key:a');

/** The part at this index with its last character changed. */
function damaged(index: number): string {
  const parts = sealed.split('.');
  const part = parts[index] ?? '';
  parts[index] = `${part.startsWith('A') ? 'B' : 'A'}${part.slice(1)}`;
  return parts.join('.');
}

for (const [title, text, purpose, reason] of [
  ['under another purpose', sealed, 'signing-key:b', /signing-key:b was changed, or is something else/],
  ['of another version', sealed.replace('v1', 'v2'), 'signing-key:a', /not readable/],
  ['with a changed key id', damaged(1), 'signing-key:a', /which is not configured/],
  ['with a changed nonce', damaged(2), 'signing-key:a', /was changed/],
  ['with changed content', damaged(3), 'signing-key:a', /was changed/],
  ['cut short', sealed.slice(0, -30), 'signing-key:a', /was changed|not readable/],
  ['with a part too many', `${sealed}.AAAA`, 'signing-key:a', /not readable/],
  ['empty', '', 'signing-key:a', /not readable/],
  ['without content', sealed.split('.').slice(0, 3).join('.'), 'signing-key:a', /not readable/],
] as const) {
  test(`what is ${title} does not open`, () => {
    const open = () => sealing([OLD, NEW], randomBytes).open(text, purpose);
    assert.throws(open, (error) => error instanceof CannotOpen && reason.test(error.message));
  });
}

test('a key that is not configured is named by its id, not by its bytes', () => {
  const open = () => sealing([NEW], randomBytes).open(sealed, 'signing-key:a');
  assert.throws(open, (error) => error instanceof CannotOpen && /under the key [0-9a-f]{8}, which/.test(error.message));
});

test('what is sealed opens under the same key, also when a newer one seals', () => {
  for (const keys of [[OLD], [NEW, OLD]] as const) {
    assert.deepEqual(sealing([...keys], randomBytes).open(sealed, 'signing-key:a'), SECRET);
  }
  assert.doesNotMatch(sealed, /PRIVATE/);
  assert.notEqual(sealing([OLD], randomBytes).seal(SECRET, 'signing-key:a'), sealed);
});

test('a sealing key is 32 bytes of base64 and nothing else', () => {
  const bytes = Buffer.alloc(32, 0xfb);
  for (const text of [bytes.toString('base64'), bytes.toString('base64url'), `${bytes.toString('base64')}\n`]) {
    assert.deepEqual(readSealingKey(text), bytes);
  }
  for (const text of [
    '',
    'secret',
    bytes.toString('hex'),
    Buffer.alloc(31).toString('base64'),
    Buffer.alloc(33).toString('base64'),
  ]) {
    assert.equal(readSealingKey(text), undefined, text);
  }
});
