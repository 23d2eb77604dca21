/** Targets that may be called without proof: the sidecar on loopback, token endpoints whose clients authenticate in the body. */

export interface Target {
  readonly method: string;
  readonly secure: boolean;
  /** In lower case, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Without query. */
  readonly path: string;
}

export type Exemption = (target: Target) => boolean;

const ENTRY = /^(\[[\da-f:.]+\]|[\w.*-]+)(?::(\d{1,5})(?:-(\d{1,5}))?)?(\/\S*)?$/i;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/;
const MAXIMUM_ENTRIES = 200;

/**
 * `host`, `host:port`, `host:port-port`, each with a path if need be, separated by commas or blanks. Stars in host and path stand for anything;
 * the host `loopback` is every address of this machine.
 *
 * @throws TypeError that names the entry which is none
 */
export function parseExemptions(text: string): readonly Exemption[] {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  if (entries.length > MAXIMUM_ENTRIES)
    throw new TypeError(`SIDEGATE_GUARD_EXEMPT has more than ${MAXIMUM_ENTRIES} entries`);
  return entries.map(parseEntry);
}

function parseEntry(entry: string): Exemption {
  const [, host = '', first, last = first, path] = ENTRY.exec(entry) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (host === '' || from > to || to > 65_535) {
    throw new TypeError(
      `SIDEGATE_GUARD_EXEMPT: ${JSON.stringify(entry.slice(0, 100))} is no host such as idp.internal, *.mesh:8080 or loopback:8080-8089`,
    );
  }
  const isHost = host.toLowerCase() === 'loopback' ? LOOPBACK : globbed(host.toLowerCase().replaceAll(/[[\]]/g, ''));
  const isPath = path === undefined ? undefined : globbed(path);
  return (target) =>
    isHost.test(target.host) &&
    (first === undefined || (target.port >= from && target.port <= to)) &&
    (isPath === undefined || isPath.test(target.path));
}

function globbed(glob: string): RegExp {
  const literal = glob.split('*').map((part) => part.replaceAll(/[^\w/-]/g, String.raw`\$&`));
  return new RegExp(`^${literal.join('.*')}$`);
}
