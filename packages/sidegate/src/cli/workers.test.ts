import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { undividedPieces } from './workers.ts';

const line = (bytes: number): string => `${'x'.repeat(bytes - 1)}\n`;

describe('what several processes write into one pipe', () => {
  const ROWS: readonly (readonly [title: string, lines: readonly number[], pieces: readonly number[]])[] = [
    ['nothing', [], []],
    ['short lines together', [100, 200], [300]],
    ['exactly as much as passes undivided', [4000, 96], [4096]],
    ['a byte more, in two pieces', [4000, 97], [4000, 97]],
    ['a line that is too long, alone', [10, 5000, 10], [10, 5000, 10]],
    ['many lines', Array.from({ length: 10 }, () => 1000), [4000, 4000, 2000]],
  ];
  for (const [title, lines, pieces] of ROWS) {
    test(`leaves in whole lines: ${title}`, () => {
      const text = lines.map(line).join('');
      const written = [...undividedPieces(text)];
      assert.deepEqual(
        written.map((piece) => piece.length),
        pieces,
      );
      assert.equal(written.join(''), text);
    });
  }
});
