/** Damage to messages: bytes, pieces that readers disagree on, lines that come twice or elsewhere, parts of other messages. */
import { MESSAGES, PIECES } from './http-messages.ts';
import type { SeededRandom } from './seeded-random.ts';

const MAX_CHARACTERS = 4_096;

/** @returns a character a byte */
export function mutatedMessage(random: SeededRandom): string {
  let text = random.pick(MESSAGES);
  const times = random.chance(0.05) ? 0 : 1 + random.below(4);
  for (let time = 0; time < times; time += 1) text = damaged(random, text).slice(0, MAX_CHARACTERS);
  return text;
}

function damaged(random: SeededRandom, text: string): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.below(8));
  switch (random.below(9)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(end);
    case 3:
      return text.slice(0, end) + text.slice(at);
    case 4:
      return text.slice(0, at) + random.pick(PIECES) + text.slice(at);
    case 5:
      return text.slice(0, at) + random.pick(PIECES) + text.slice(end);
    case 6:
      return afterLine(random, text, random.pick(PIECES));
    case 7:
      return text.slice(0, at) + random.pick(MESSAGES).slice(random.below(40));
    default:
      return twistedLine(random, text);
  }
}

/** At the beginning of a line, where a piece counts most. */
function afterLine(random: SeededRandom, text: string, piece: string): string {
  const ends = Array.from(text.matchAll(/\r\n/g), ({ index }) => index + 2);
  const at = ends.length === 0 ? 0 : random.pick(ends);
  return text.slice(0, at) + piece + text.slice(at);
}

/** A line that comes twice, not at all, or in other letters. */
function twistedLine(random: SeededRandom, text: string): string {
  const lines = text.split('\r\n');
  const at = random.below(lines.length);
  const line = lines[at] ?? '';
  const twisted = random.pick([
    [line, line],
    [],
    [line.toUpperCase()],
    [line.toLowerCase()],
    [` ${line}`],
    [`${line} `],
  ]);
  return [...lines.slice(0, at), ...twisted, ...lines.slice(at + 1)].join('\r\n');
}

/** The message as it may arrive. */
export function inPieces(random: SeededRandom, text: string): readonly Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  if (random.chance(0.6)) return [bytes];
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.below(random.chance(0.2) ? 3 : 60);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}
