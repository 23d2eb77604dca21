import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PartlyTaken } from '../proxy/audit-sink.ts';
import { inPieces } from './line-writer.ts';

const byLine = (lines: string): string[] => lines.match(/[^\n]*\n/g) ?? [];

/** What a sink of these pieces throws, when the piece `b` fails. */
function failure(lines: string, error: Error): unknown {
  const taken: string[] = [];
  const sink = inPieces((piece) => {
    if (piece.startsWith('b')) throw error;
    taken.push(piece);
  }, byLine);
  try {
    sink(lines);
    return taken;
  } catch (thrown) {
    return thrown;
  }
}

test('what fails in the first piece has taken nothing of the others', () => {
  const error = new Error('EPIPE');
  assert.equal(failure('b\na\n', error), error);
});

test('what fails later has taken the pieces before it, and what it took of its own', () => {
  for (const [error, characters] of [
    [new Error('EPIPE'), 3],
    [new PartlyTaken(1, undefined), 4],
  ] as const) {
    const thrown = failure('aa\nbb\na\n', error);
    assert.ok(thrown instanceof PartlyTaken);
    assert.equal(thrown.characters, characters);
  }
});

test('what does not fail is taken as a whole', () => {
  assert.deepEqual(failure('aa\na\n', new Error('never')), ['aa\n', 'a\n']);
});
