/** Text of another party in a message of ours: quoted, escaped and short, so that it can neither forge nor flood a log. */

const MAX_CHARACTERS = 128;
/** Controls, format characters, line separators and what stands for nothing: nobody sees them, and terminals obey some. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu;

export function excerpt(text: string, maxCharacters: number = MAX_CHARACTERS): string {
  const shown = text.length > maxCharacters ? `${text.slice(0, maxCharacters)}…` : text;
  return JSON.stringify(shown).replace(UNSEEN, escaped);
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
