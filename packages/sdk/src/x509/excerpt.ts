/** Text of another party in a message of ours: quoted, escaped and short, so that it can neither forge nor flood a log. */

const MAX_CHARACTERS = 128;

export function excerpt(text: string, maxCharacters: number = MAX_CHARACTERS): string {
  const shown = text.length > maxCharacters ? `${text.slice(0, maxCharacters)}…` : text;
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(shown).replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escape);
}
