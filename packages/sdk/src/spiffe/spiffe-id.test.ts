import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSpiffeId, SpiffeIdError } from './spiffe-id.ts';

const refuses = (text: string): boolean => {
  try {
    parseSpiffeId(text);
    return false;
  } catch (error) {
    assert.ok(error instanceof SpiffeIdError, String(error));
    return true;
  }
};

const everyByte = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
const accepted = (text: (character: string) => string): string =>
  everyByte.filter((character) => !refuses(text(character))).join('');

const DIGITS_AND_MARKS = '-._0123456789';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const sorted = (characters: string): string => characters.split('').sort().join('');

describe('parseSpiffeId', () => {
  it('refuses what is not exactly one SPIFFE ID', () => {
    const texts = [
      '',
      'spiffe:',
      'spiffe://',
      'spiffe:///path',
      'spiffe:/example.org/a',
      'Spiffe://example.org/a',
      ' spiffe://example.org/a',
      'spiffe://example.org/a\n',
      'https://example.org/a',
      'spiffe://example.org/',
      'spiffe://example.org/a/',
      'spiffe://example.org//a',
      'spiffe://example.org/a//b',
      'spiffe://example.org/.',
      'spiffe://example.org/..',
      'spiffe://example.org/a/../b',
      'spiffe://example.org/a/./b',
      'spiffe://example.org/%61',
      'spiffe://example.org:8443/a',
      'spiffe://user@example.org/a',
      'spiffe://user:pass@example.org/a',
      'spiffe://[::1]/a',
      'spiffe://example.org/a?b',
      'spiffe://example.org/a#b',
      'spiffe://EXAMPLE.org/a',
      'spiffe://example.org\\a',
      'spiffe://exаmple.org/a', // a Cyrillic letter
      'spiffe://example.org/ﬁle',
    ];
    for (const text of texts) assert.ok(refuses(text), JSON.stringify(text));
  });

  it('says what is wrong without repeating the text', () => {
    const message = (text: string): string => {
      try {
        return parseSpiffeId(text).uri;
      } catch (error) {
        return error instanceof SpiffeIdError ? error.message : String(error);
      }
    };
    assert.match(message('spiffe:///a'), /trust domain is missing/);
    assert.match(message('spiffe://example.org/a/'), /ends with a slash/);
    assert.match(message('spiffe://example.org//a'), /empty segment/);
    assert.match(message('spiffe://example.org/../a'), /dot segment/);
    assert.doesNotMatch(message('spiffe://example.org/canary%00'), /canary/);
  });

  for (const position of ['first', 'middle', 'last', 'only'] as const) {
    const place = (character: string): string =>
      ({ first: `${character}bc`, middle: `b${character}c`, last: `bc${character}`, only: character })[position];

    it(`S4-082 accepts as ${position} character of the trust domain lower case, digits, ".", "-" and "_"`, () => {
      // A slash inside the authority ends it: what remains is a shorter ID, unless an empty part is left.
      const slash = position === 'middle' ? '/' : '';
      assert.equal(
        sorted(accepted((character) => `spiffe://${place(character)}/path`)),
        sorted(LOWER + DIGITS_AND_MARKS + slash),
      );
    });

    it(`S4-082 accepts as ${position} character of a segment letters, digits, ".", "-" and "_"`, () => {
      const expected = LOWER + LOWER.toUpperCase() + DIGITS_AND_MARKS;
      const dot = position === 'only' ? expected.replace('.', '') : expected;
      const slash = position === 'middle' ? '/' : '';
      assert.equal(sorted(accepted((character) => `spiffe://example.org/a/${place(character)}`)), sorted(dot + slash));
    });
  }

  it('accepts at most 2048 bytes, and 255 in the trust domain', () => {
    const ofLength = (length: number): string =>
      `spiffe://example.org/${'a'.repeat(length - 'spiffe://example.org/'.length)}`;
    assert.ok(!refuses(ofLength(2048)));
    assert.ok(refuses(ofLength(2049)));
    assert.ok(!refuses(`spiffe://${'a'.repeat(255)}/b`));
    assert.ok(refuses(`spiffe://${'a'.repeat(256)}/b`));
  });

  it('S4-082 refuses a dot segment wherever it is, and takes dots for a part of any other name', () => {
    const around = [
      (part: string) => part,
      (part: string) => `a/${part}`,
      (part: string) => `${part}/a`,
      (part: string) => `a/${part}/b`,
    ];
    for (const place of around) {
      for (const part of ['.', '..']) assert.ok(refuses(`spiffe://example.org/${place(part)}`), place(part));
      for (const part of ['...', '....', '.a', 'a.', '..a', 'a..', '.-', '_.', '.a.']) {
        assert.ok(!refuses(`spiffe://example.org/${place(part)}`), place(part));
      }
    }
    for (const domain of ['.', '..', 'a..b', '.a', 'a.', '-', '_', '-a', '1.2.3.4']) {
      assert.ok(!refuses(`spiffe://${domain}/a`), domain);
    }
  });

  it('S4-082 refuses an empty segment wherever it is', () => {
    for (const path of ['/', '//', '//a', '/a/', '/a//', '/a//b', '/a/b/', '///', '/a/b//c/d']) {
      assert.ok(refuses(`spiffe://example.org${path}`), path);
    }
  });

  it('S4-082 refuses every pair of bytes of which one is not allowed, in a segment and in the trust domain', () => {
    const allowed = (characters: string): ReadonlySet<string> => new Set(characters);
    const inSegment = allowed(LOWER + LOWER.toUpperCase() + DIGITS_AND_MARKS);
    const inDomain = allowed(LOWER + DIGITS_AND_MARKS);
    for (const first of everyByte) {
      for (const second of everyByte) {
        if (first === '/' || second === '/') continue;
        const pair = `${first}${second}`;
        const isSegment = inSegment.has(first) && inSegment.has(second) && pair !== '..';
        assert.equal(refuses(`spiffe://example.org/${pair}`), !isSegment, JSON.stringify(pair));
        assert.equal(
          refuses(`spiffe://${pair}/a`),
          !(inDomain.has(first) && inDomain.has(second)),
          JSON.stringify(pair),
        );
      }
    }
  });

  it('S4-082 counts the length in every part', () => {
    const domain = (length: number): string => `spiffe://${'a'.repeat(length)}`;
    for (const length of [1, 2, 254, 255]) assert.ok(!refuses(domain(length)), String(length));
    for (const length of [0, 256, 257, 2_039, 2_040]) assert.ok(refuses(domain(length)), String(length));
    const id = (length: number): string => `${domain(255)}/${'b/'.repeat(900)}`.padEnd(length, 'c').slice(0, length);
    for (const length of [2_047, 2_048]) assert.ok(!refuses(id(length).replace(/\/$/, 'c')), String(length));
    for (const length of [2_049, 4_096, 1_048_576]) assert.ok(refuses(id(length).replace(/\/$/, 'c')), String(length));
  });

  it('tells trust domain and path apart', () => {
    const { uri, trustDomain, path } = parseSpiffeId('spiffe://acme.com/ns/production/sa/order-service');
    assert.deepEqual(
      [uri, trustDomain, path],
      ['spiffe://acme.com/ns/production/sa/order-service', 'acme.com', '/ns/production/sa/order-service'],
    );
    assert.equal(parseSpiffeId('spiffe://acme.com').path, '');
    assert.equal(parseSpiffeId('spiffe://acme.com/...').path, '/...', 'three dots are a name');
  });
});
