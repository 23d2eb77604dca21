/**
 * The request target, parsed once: RFC 9112 section 3.2, RFC 3986 section 3.3.
 * Whatever two programs could read differently is refused here, so that the policy, the route table and
 * the upstream all work on the same bytes and nothing needs to normalise anything later.
 */
import { isIPv6 } from 'node:net';
import { Problem } from '@sidegate/sdk';
import type { RequestHead } from './request-head.ts';

export interface RequestTarget {
  readonly method: string;
  /** As received, starting with `/`, percent-encodings untouched. */
  readonly path: string;
  /** Without the `?`; `''` when there is none. */
  readonly query: string;
  /** Lower case, without a port and without a final dot; `''` on HTTP/1.0 without Host. */
  readonly host: string;
}

export interface TargetLimits {
  readonly maxTargetBytes: number;
  readonly maxHeaders: number;
}

export const DEFAULT_TARGET_LIMITS: TargetLimits = { maxTargetBytes: 8 * 1024, maxHeaders: 100 };

const AUTHORITY = /^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[([0-9A-Fa-f:.]+)\])(?::(\d{1,5}))?$/;
const MAX_PORT = 65_535;

/** @throws Problem with the code that names what was ambiguous or too large */
export function parseRequestTarget(head: RequestHead, limits: TargetLimits): RequestTarget {
  const { method, target, fields } = head;
  if (fields.size > limits.maxHeaders) {
    throw new Problem('too_many_headers', `${fields.size} header fields, at most ${limits.maxHeaders}`);
  }
  if (method === 'CONNECT' || method === 'TRACE') {
    throw new Problem('method_not_allowed', `${method} is never proxied`);
  }
  if (target.length > limits.maxTargetBytes) {
    throw new Problem('target_too_long', `request target of ${target.length} bytes, at most ${limits.maxTargetBytes}`);
  }
  const authority = hostOf(head);
  const { path, query } = originForm(head, authority);
  refuseAmbiguousPath(path);
  refuseUnsafeQuery(query);
  return { method, path, query, host: canonicalHost(authority) };
}

function hostOf({ version, fields }: RequestHead): string {
  const host = fields.single('host');
  if (host === undefined) {
    if (fields.has('host')) throw new Problem('duplicate_header', 'more than one Host header');
    if (version === '1.0') return '';
    throw new Problem('host_invalid', 'HTTP/1.1 without a Host header');
  }
  if (!isAuthority(host)) {
    throw new Problem('host_invalid', 'the Host header is not a host and an optional port');
  }
  return host;
}

function isAuthority(text: string): boolean {
  const [all, ipv6, port] = AUTHORITY.exec(text) ?? [];
  return all !== undefined && (ipv6 === undefined || isIPv6(ipv6)) && Number(port ?? 0) <= MAX_PORT;
}

function originForm({ method, target }: RequestHead, authority: string): { path: string; query: string } {
  if (target === '*') {
    if (method === 'OPTIONS') throw new Problem('method_not_allowed', 'OPTIONS * is not proxied');
    throw new Problem('path_ambiguous', 'asterisk-form is for OPTIONS only');
  }
  if (target.startsWith('/')) return splitQuery(target);
  const absolute = /^(https?):\/\/([^/?#]+)(\/.*)?$/.exec(target);
  if (absolute === null) throw new Problem('path_ambiguous', 'the request target does not start with "/"');
  const [, scheme = '', named = '', rest = '/'] = absolute;
  if (!isAuthority(named) || !sameAuthority(named, authority, scheme === 'http' ? '80' : '443')) {
    throw new Problem('host_mismatch', 'the absolute request target names another host than the Host header');
  }
  return splitQuery(rest);
}

/** RFC 9112 section 3.2.2: one of them would be ignored, so they have to agree. */
function sameAuthority(one: string, other: string, defaultPort: string): boolean {
  return canonicalHost(one) === canonicalHost(other) && portOf(one, defaultPort) === portOf(other, defaultPort);
}

function portOf(authority: string, defaultPort: string): string {
  return /:(\d+)$/.exec(authority)?.[1] ?? defaultPort;
}

function splitQuery(target: string): { path: string; query: string } {
  const mark = target.indexOf('?');
  return mark < 0 ? { path: target, query: '' } : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** Lower case, no port, no final dot: one spelling for the policy and for routing. */
function canonicalHost(authority: string): string {
  const colon = authority.lastIndexOf(':');
  const host = (colon > authority.lastIndexOf(']') ? authority.slice(0, colon) : authority).toLowerCase();
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

const PLAIN_PATH = /^(?:\/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)+\/?$|^\/$/;

function refuseAmbiguousPath(path: string): void {
  if (PLAIN_PATH.test(path)) return;
  const finding = pathFinding(path);
  if (finding !== undefined) throw new Problem('path_ambiguous', finding);
}

function pathFinding(path: string): string | undefined {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[^\x21-\x7e]/.test(path)) return 'the path has a byte outside printable ASCII';
  if (path.includes('//')) return 'the path has an empty segment';
  if (path.includes('\\')) return 'the path has a backslash';
  if (path.includes('#')) return 'the path has a fragment';
  if (path.includes(';')) return 'the path has a ";" parameter';
  if (/["<>^`{|}]/.test(path)) return 'the path has a character that must be percent-encoded';
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return 'the path has an incomplete percent-encoding';
  return path.includes('%') ? encodingFinding(path) : dotFinding(path);
}

/** Encoded separators, dots, controls, double encodings and bytes that are not UTF-8. */
function encodingFinding(path: string): string | undefined {
  if (/%(?:2f|5c|3b|2e|3f|23|[01][0-9a-f]|7f)/i.test(path)) {
    return 'the path has an encoded separator, dot or control character';
  }
  if (/%25(?!$)/.test(path)) return 'the path has a doubly encoded character';
  try {
    return decodedFinding(decodeURIComponent(path));
  } catch {
    return 'the path is not UTF-8';
  }
}

/** Separators that some programs make of their look-alikes, and that compatibility normalisation does not. */
const SLASHES = /[\u2044\u2215\u2216\u29f5\u29f8\u29f9]/;
const DELIMITERS = /[/\\;?#%]/g;

function decodedFinding(decoded: string): string | undefined {
  if (/[\u0080-\u009f\u2028\u2029]/.test(decoded)) return 'the path has an encoded control character';
  // Unicode TR15: what stands for a separator or a dot in another alphabet becomes one where names are folded.
  const folded = decoded.normalize('NFKC');
  const count = (text: string): number => text.match(DELIMITERS)?.length ?? 0;
  if (SLASHES.test(decoded) || count(folded) > count(decoded)) return 'the path has a look-alike of a separator';
  return dotFinding(folded);
}

function dotFinding(path: string): string | undefined {
  return /(?:^|\/)\.{1,2}(?:\/|$)/.test(path) ? 'the path has a dot segment' : undefined;
}

function refuseUnsafeQuery(query: string): void {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[^\x21-\x7e]|#/.test(query)) throw new Problem('path_ambiguous', 'the query has a byte that is not allowed');
}
