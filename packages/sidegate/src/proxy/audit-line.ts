/** A record as one line of ASCII: nothing in it can end a line, colour a terminal, turn its direction or fill a disk. */

const MAX_BYTES = 8 * 1024;
const SHORT_TEXT = 128;
const SHORT_LIST = 4;

/** Without its line end. A record that is too long keeps its facts and loses the length of its texts. */
export function auditLine(record: object): string {
  const line = asciiJson(record);
  return line.length <= MAX_BYTES ? line : asciiJson({ ...(shortened(record) as object), truncated: true });
}

/** JSON in which everything beyond printable ASCII is escaped. */
function asciiJson(value: object): string {
  return JSON.stringify(value).replaceAll(/[\u007f-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, SHORT_TEXT);
  if (Array.isArray(value)) return value.slice(0, SHORT_LIST).map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  // A policy's own part of the record is the only one whose size is not ours.
  const members = Object.entries(value).filter(([name]) => name !== 'policy_audit');
  return Object.fromEntries(members.map(([name, member]) => [name, shortened(member)]));
}
