/** The single values that configuration files are made of, each with its pattern, parsed form and examples. */
import { compileAllowedClients, parseSpiffeId, SpiffeIdError } from '@sidegate/sdk';
import { Secret } from '@sidegate/sdk/settings';
import { z } from 'zod';
import { isLoopback, parseAddress } from '../address.ts';
import { DURATION_PATTERN, parseDuration } from '../duration.ts';

/** A string that `parse` turns into a value; undefined refuses it. Messages never quote the value. */
function parsed<T>(parse: (text: string) => T | undefined, message: string, examples: readonly string[]) {
  return z
    .string()
    .meta({ examples: [...examples] })
    .transform((text, context): T => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    });
}

/** A string that `accepts` lets through as it is. */
function checked(accepts: (text: string) => boolean, message: string, examples: readonly string[]) {
  return z
    .string()
    .refine(accepts, { error: message })
    .meta({ examples: [...examples] });
}

/** A duration between two others, both written as in a file; parsed to milliseconds. */
export function duration(shortest: string, longest: string) {
  const least = parseDuration(shortest) ?? 0;
  const most = parseDuration(longest) ?? Number.POSITIVE_INFINITY;
  return z
    .string()
    .regex(DURATION_PATTERN, 'is not a duration')
    .meta({ examples: ['500ms', '60s', '5m', '1h', '90d'] })
    .transform((text, context): number => {
      const milliseconds = parseDuration(text);
      if (milliseconds !== undefined && milliseconds >= least && milliseconds <= most) return milliseconds;
      context.addIssue({ code: 'custom', message: `must be between ${shortest} and ${longest}` });
      return z.NEVER;
    });
}

const RATE_UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** So many in so long, parsed to a bucket of that many that fills up in that time. */
export const rate = () =>
  parsed(
    (text) => {
      const [, count, unit = ''] = /^([1-9]\d{0,6})\/([smh])$/.exec(text) ?? [];
      const seconds = RATE_UNITS[unit];
      if (count === undefined || seconds === undefined) return undefined;
      return { perSecond: Number(count) / seconds, burst: Number(count) };
    },
    'is not a number of requests and a unit of time',
    ['10/s', '100/m', '1000/h'],
  );

/** A listen address, parsed to `{host, port}`. */
export const address = () => parsed(parseAddress, 'is not a listen address', [':8443', '127.0.0.1:0', '[::1]:8080']);

/** Another server's host and port, parsed to `{host, port}`. */
export const serverAddress = () =>
  parsed(
    (text) => {
      const [, host = '', digits] = /^(\[[\da-f:]{2,45}\]|[A-Za-z\d][A-Za-z\d.-]{0,252}):(\d{1,5})$/.exec(text) ?? [];
      const port = Number(digits);
      return port >= 1 && port <= 65_535 ? { host: host.replaceAll(/^\[|\]$/g, ''), port } : undefined;
    },
    'is not a host and a port',
    ['127.0.0.1:6379', 'redis.example:6380'],
  );

/** A secret: `${VAR}` in the file, or the same key with `_file` appended; the loader refuses a literal. */
export const secret = (pattern = /[^]/, message = 'is empty') =>
  z
    .string()
    .refine((text) => pattern.test(text), { error: message })
    .transform((text) => new Secret(text))
    .meta({ writeOnly: true });

/** A path in the file system; `format: path` lets the loader resolve it. */
export const filePath = () =>
  checked((text) => text !== '' && !text.includes('\0'), 'is not a path', ['/etc/certs/ca/zone1-ca.crt']).meta({
    format: 'path',
  });

/** An https URL, or http to a loopback host, kept exactly as written. */
export const url = () =>
  checked((text) => readUrl(text) !== undefined, 'is not an https URL', [
    'https://keycloak.example.com/realms/users',
    'http://127.0.0.1:3000 (http only to a loopback address)',
  ]);

/** Scheme, host and port of a URL without path, in the one normal form so that equal origins are equal strings. */
export const origin = () =>
  parsed(
    (text) => {
      const read = readUrl(text);
      return read !== undefined && read.pathname === '/' && read.search === '' ? read.origin : undefined;
    },
    'is not an https origin: scheme, host and port, no path',
    ['https://order-service.zone2.local:8443', 'http://127.0.0.1:3000 (http only to a loopback address)'],
  );

/** An origin as browsers write it in `Origin`, or `*`. */
export const browserOrigin = () =>
  checked(
    (text) => text === '*' || (/^https?:\/\/[!-~]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text),
    'is not an origin as browsers send it: scheme, host in lower case, port unless it is the default one',
    ['https://app.example.com', 'http://localhost:5173', '*'],
  );

/** An HTTP field name (RFC 9110 section 5.1). */
export const headerName = () =>
  checked((text) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(text), 'is not a header name', ['X-User-ID']);

/** Credentials reach neither policy input nor audit, under whatever name they are usually sent. */
const CREDENTIALS: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'dpop',
  'proxy-authorization',
  'set-cookie',
  'x-api-key',
  'x-auth-token',
  'x-access-token',
  'x-csrf-token',
]);

/** A header that may be read into policy input and audit. */
export const readableHeader = () =>
  headerName().refine((name) => !CREDENTIALS.has(name.toLowerCase()), {
    error: 'is a credential, which policies and audit never see',
  });

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

function parseByteSize(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,9})([KMGT]?i?B)$/.exec(text) ?? [];
  const size = Number(digits) * (BYTES[unit] ?? Number.NaN);
  return digits === '' || Number.isNaN(size) ? undefined : size;
}

/** A number of bytes between two others, with its unit; parsed to bytes. */
export function byteSize(smallest: string, largest: string) {
  const [least = 0, most = 0] = [parseByteSize(smallest), parseByteSize(largest)];
  return parsed(
    (text) => {
      const size = parseByteSize(text);
      return size !== undefined && size >= least && size <= most ? size : undefined;
    },
    `is not a size from ${smallest} to ${largest}`,
    ['10MiB', '500KB', '1GB'],
  );
}

/** The name of a cookie (RFC 6265 section 4.1.1). */
export const cookieName = () =>
  checked((text) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(text), 'is not the name of a cookie', [
    '__Host-session',
  ]);

/** A path of plain segments without trailing slash, as matched segment by segment. */
export const pathPrefix = () => checked(isPlainPath, 'is not a path of whole segments', ['/data', '/api/v1']);

/** A path prefix that may also be `/`, which every path begins with. */
export const routePrefix = () =>
  checked((text) => text === '/' || isPlainPath(text), 'is not a path of whole segments', ['/data', '/']);

/** A request method. */
export const method = () =>
  z
    .string()
    .regex(/^[A-Z]{1,32}$/, 'is not a method in upper case')
    .meta({ examples: ['GET', 'POST'] });

/** A route pattern: `*` stands for one segment, a final `**` for the rest, also none. */
export const pathGlob = () =>
  checked(isPathGlob, 'is not a path pattern', ['/api/v1/orders/**', '/health', '/users/*/avatar']);

/** The name of a target, a route or a service. */
export const name = () =>
  checked(
    (text) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text),
    'is not a name of letters, digits, `-`, `_` and `.`',
    ['order-service'],
  );

/** RFC 6749 section 3.3. */
export const scope = () =>
  z
    .string()
    .regex(/^[!#-[\]-~]+$/, 'is not a scope')
    .meta({ examples: ['data-service:read'] });

/** What a client certificate says of its holder: a SPIFFE ID, or a distinguished name. */
export const certificateIdentity = () =>
  checked((text) => compileAllowedClients([text]).ok, 'is neither a SPIFFE ID nor a distinguished name', [
    'spiffe://example.org/zone1/api-gateway',
    'CN=api-gateway-client,O=MyOrg',
  ]);

/** A workload. */
export const spiffeId = () =>
  checked(isWorkload, 'is not the SPIFFE ID of a workload', ['spiffe://example.org/operations/revoker']);

function isWorkload(text: string): boolean {
  try {
    return parseSpiffeId(text).path !== '';
  } catch (error) {
    if (error instanceof SpiffeIdError) return false;
    throw error;
  }
}

function isPathGlob(text: string): boolean {
  if (text === '/' || text === '/**') return true;
  return isPlainPath(text.replace(/\/\*\*$/, '').replaceAll(/\/\*(?=\/|$)/g, '/segment'));
}

function isPlainPath(text: string): boolean {
  const segments = text.split('/');
  return segments.shift() === '' && segments.length > 0 && segments.every(isPlainSegment);
}

function isPlainSegment(segment: string): boolean {
  return /^[A-Za-z0-9._~!$&'()+,=:@-]+$/.test(segment) && segment !== '.' && segment !== '..';
}

function readUrl(text: string): URL | undefined {
  // The URL parser maps full-width dots to plain ones, drops tabs and fixes backslashes: only plain text may reach it.
  if (!/^https?:\/\/[!-~]+$/.test(text) || /[\\<>"^`{|}]/.test(text)) return undefined;
  const read = URL.canParse(text) ? new URL(text) : undefined;
  // It also reads `127.1`, `0x7f.1` and `%2e`: what is written has to be what is meant.
  const written = /^https?:\/\/([^/?:]*)/.exec(text)?.[1]?.toLowerCase() ?? '';
  if (!written.startsWith('[') && read?.hostname !== written) return undefined;
  if (read === undefined || read.username !== '' || read.password !== '' || text.includes('#') || text.includes('@'))
    return undefined;
  return read.protocol === 'https:' || isLoopback(read.hostname) ? read : undefined;
}
