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
