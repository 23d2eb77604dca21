import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventLog } from './event-log.ts';

test('events of one turn are one write of whole lines, and those of the next another', () => {
  const writes: string[] = [];
  let chores: (() => void)[] = [];
  const log = eventLog(
    (lines) => {
      writes.push(lines);
    },
    (chore) => chores.push(chore),
  );
  const endTurn = () => {
    const due = chores;
    chores = [];
    for (const chore of due) chore();
  };
  log({ event: 'token', jti: '1' });
  log({ event: 'token', jti: '2' }, 'warn');
  assert.equal(writes.length, 0, 'nothing before the turn ends');
  endTurn();
  endTurn();
  log({ event: 'token', jti: '3' });
  endTurn();
  const read = writes.map((lines) =>
    lines
      .trimEnd()
      .split('\n')
      .map((line): unknown[] => {
        const { level, jti } = JSON.parse(line) as { level: string; jti: string };
        return [level, jti];
      }),
  );
  assert.deepEqual(read, [
    [
      ['info', '1'],
      ['warn', '2'],
    ],
    [['info', '3']],
  ]);
});
