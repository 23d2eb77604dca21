/**
 * `access_token` among parameters, RFC 6750 sections 2.2 and 2.3, under every spelling that a service might read as that
 * name: encoded, in another case, as a list, behind either separator.
 */

const NAME = 'access_token';
const SPELLED = NAME.replaceAll(/./g, spellings);
const FOUND = new RegExp(`[&;]${SPELLED}(?:[&;=[]|%5b)`, 'i');
/** All of a match but its last character, with every character of the name encoded. */
const TAIL_CHARACTERS = 1 + NAME.length * 3 + 2;

/** @param parameters as `application/x-www-form-urlencoded` */
export function namesToken(parameters: string): boolean {
  return FOUND.test(`&${parameters}&`);
}

/** Looks for it in parameters that come in pieces, and keeps little more than a name of them. */
export class TokenSearch {
  #tail = '&';

  /** @returns whether it has been found */
  find(piece: string): boolean {
    const text = this.#tail + piece;
    this.#tail = text.slice(-TAIL_CHARACTERS);
    return FOUND.test(text);
  }

  /** That was all. */
  end(): boolean {
    return FOUND.test(`${this.#tail}&`);
  }
}

function spellings(character: string): string {
  const encoded = (text: string): string => `%${text.charCodeAt(0).toString(16)}`;
  return `(?:${character}|${encoded(character)}|${encoded(character.toUpperCase())})`;
}
