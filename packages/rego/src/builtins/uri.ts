/** `uri.parse` and `uri.is_valid`: URLs as Go's net/url parses them, errors included. */
import { emptyObject, objectGet } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
import { fromBytes, toBytes } from './bytes.ts';
import { ipFailure } from './ip-failure.ts';
import { stringOperand } from './operand.ts';
import { quote } from './text.ts';
import { BOOLEAN, objectOf, STRING } from './type.ts';
import { percent } from './url-escape.ts';

export const URI: readonly Builtin[] = [
  {
    name: 'uri.parse',
    args: [STRING],
    result: objectOf(STRING, STRING),
    evaluate: (_, text) => parse(stringOperand(text, 1)),
  },
  {
    name: 'uri.is_valid',
    args: [STRING],
    result: BOOLEAN,
    evaluate: (_, text) => typeof text === 'string' && text !== '' && isUri(text),
  },
];

/** Whether Go's net/url can parse it. */
export function isUri(text: string): boolean {
  try {
    parse(text);
    return true;
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
}

/** The path, unescaped. */
export function uriPath(text: string): string {
  return (parse(text).path ?? '') as string;
}

/** What a request line and the Host header say of a URL. @throws BuiltinError when it is none */
export function requestTarget(text: string): { host: string; path: string; query: string } {
  parse(text);
  const [, host = '', path = '', query = ''] =
    /^(?:[^:/?#]+:)?(?:\/\/(?:[^/?#]*@)?([^/?#]*))?([^?#]*)(?:\?([^#]*))?/.exec(text) ?? [];
  const isEscaped = /^[A-Za-z0-9\-._~!$&'()*+,;=:@[\]/%]*$/.test(path);
  return { host, path: isEscaped ? path : defaultEscape(unescape(path, 'path')), query };
}

/** The fields of Go's url.URL, as JSON shows them. */
export function uriParts(text: string): Value {
  const url = parse(text);
  const field = (name: string): Value => objectGet(url, name) ?? '';
  const opaque = /^[^:/?#]+:([^/?#][^?#]*)/.exec(text)?.[1] ?? '';
  const [path, rawPath] = [field('path'), field('raw_path')];
  return {
    Scheme: field('scheme'),
    Opaque: field('scheme') === '' ? '' : opaque,
    User: null,
    Host: requestTarget(text).host,
    Path: path,
    RawPath: rawPath === path ? '' : rawPath,
    OmitHost: false,
    ForceQuery: false,
    RawQuery: field('raw_query'),
    Fragment: field('fragment'),
    RawFragment: '',
  };
}

class UrlFailure extends Error {
  inFragment = false;
}

function parse(text: string): Record<string, Value> {
  const hash = text.indexOf('#');
  const withoutFragment = hash < 0 ? text : text.slice(0, hash);
  try {
    const url = parseWithoutFragment(withoutFragment);
    if (hash >= 0 && hash < text.length - 1) url.fragment = fragmentOf(text.slice(hash + 1));
    return url;
  } catch (error) {
    // Go quotes what it was parsing at that moment: without the fragment, unless that is what is wrong.
    if (!(error instanceof UrlFailure)) throw error;
    throw new BuiltinError(`parse ${quote(error.inFragment ? text : withoutFragment)}: ${error.message}`);
  }
}

function fragmentOf(text: string): string {
  try {
    return unescape(text, 'fragment');
  } catch (error) {
    if (error instanceof UrlFailure) error.inFragment = true;
    throw error;
  }
}

function parseWithoutFragment(text: string): Record<string, Value> {
  // Anything but ASCII controls.
  if (/[^ -~\u0080-\uffff]/.test(text)) throw new UrlFailure('net/url: invalid control character in URL');
  const url = emptyObject();
  if (text === '') return url;
  const { scheme, rest: afterScheme } = splitScheme(text);
  if (scheme !== '') url.scheme = scheme;
  const question = afterScheme.indexOf('?');
  if (question >= 0 && question < afterScheme.length - 1) url.raw_query = afterScheme.slice(question + 1);
  let path = question < 0 ? afterScheme : afterScheme.slice(0, question);
  if (!path.startsWith('/')) {
    if (scheme !== '') return url;
    if (path.split('/')[0]?.includes(':')) throw new UrlFailure('first path segment in URL cannot contain colon');
  }
  if ((scheme !== '' || !path.startsWith('///')) && path.startsWith('//')) {
    const slash = path.indexOf('/', 2);
    parseAuthority(scheme, path.slice(2, slash < 0 ? undefined : slash), url);
    path = slash < 0 ? '' : path.slice(slash);
  }
  setPath(url, path);
  return url;
}

function splitScheme(text: string): { scheme: string; rest: string } {
  const match = /^[A-Za-z][A-Za-z0-9+.-]*:/.exec(text);
  if (match !== null) return { scheme: match[0].slice(0, -1).toLowerCase(), rest: text.slice(match[0].length) };
  if (text.startsWith(':')) throw new UrlFailure('missing protocol scheme');
  // A digit, `+`, `-` or `.` may not start a scheme, but may well start a path.
  return { scheme: '', rest: text };
}

function parseAuthority(scheme: string, authority: string, url: Record<string, Value>): void {
  const at = authority.lastIndexOf('@');
  const host = parseHost(scheme, authority.slice(at + 1));
  if (at >= 0) {
    const userinfo = authority.slice(0, at);
    if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(userinfo)) throw new UrlFailure('net/url: invalid userinfo');
    unescape(userinfo, 'userinfo');
  }
  const { name, port } = splitPort(host);
  if (name !== '') url.hostname = name;
  if (port !== '') url.port = port;
}

function parseHost(scheme: string, host: string): string {
  const open = host.lastIndexOf('[');
  if (open > 0) throw new UrlFailure('invalid IP-literal');
  if (open === 0) return parseLiteral(host);
  const [first, last] = [host.indexOf(':'), host.lastIndexOf(':')];
  // Lists of hosts with ports are accepted outside of the web.
  const colon = scheme === 'http' || scheme === 'https' ? first : last;
  if (colon >= 0) checkPort(host.slice(colon));
  return unescape(host, 'host');
}

/** An IPv6 address in brackets, with a zone after `%25` (RFC 6874), and a port. */
function parseLiteral(host: string): string {
  const close = host.lastIndexOf(']');
  if (close < 0) throw new UrlFailure("missing ']' in host");
  checkPort(host.slice(close + 1));
  const name = host.slice(1, close);
  const zone = name.indexOf('%25');
  const address =
    zone < 0 ? unescape(name, 'host') : unescape(name.slice(0, zone), 'host') + unescape(name.slice(zone), 'zone');
  const wrong = ipFailure(address);
  if (wrong !== undefined) throw new UrlFailure(`invalid host: ${wrong}`);
  if (!address.includes(':')) throw new UrlFailure('invalid IP-literal');
  return `[${address}]${host.slice(close + 1)}`;
}

function checkPort(port: string): void {
  if (!/^(?::[0-9]*)?$/.test(port)) throw new UrlFailure(`invalid port ${quote(port)} after host`);
}

function splitPort(host: string): { name: string; port: string } {
  const colon = host.lastIndexOf(':');
  const hasPort = colon >= 0 && /^[0-9]*$/.test(host.slice(colon + 1));
  const name = hasPort ? host.slice(0, colon) : host;
  const bare = name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
  return { name: bare, port: hasPort ? host.slice(colon + 1) : '' };
}

/** The escaped form is shown as it was written; Go re-escapes only what could not be escaped otherwise. */
function setPath(url: Record<string, Value>, path: string): void {
  const unescaped = unescape(path, 'path');
  if (unescaped === '') return;
  url.path = unescaped;
  url.raw_path = path === defaultEscape(unescaped) ? unescaped : path;
}

function defaultEscape(path: string): string {
  let result = '';
  for (const byte of toBytes(path)) {
    const char = String.fromCharCode(byte);
    result += /[A-Za-z0-9\-_.~$&+,/:;=@]/.test(char) ? char : percent(byte);
  }
  return result;
}

type Place = 'path' | 'host' | 'zone' | 'userinfo' | 'fragment';

function unescape(text: string, place: Place): string {
  const source = toBytes(text);
  const bytes: number[] = [];
  for (let at = 0; at < source.length; at += 1) {
    const byte = source[at] ?? 0;
    if (byte !== 0x25) {
      if ((place === 'host' || place === 'zone') && byte < 0x80 && !isHostCharacter(String.fromCharCode(byte))) {
        throw new UrlFailure(`invalid character ${quote(String.fromCharCode(byte))} in host name`);
      }
      bytes.push(byte);
      continue;
    }
    const digits = fromBytes(source.subarray(at + 1, at + 3));
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) throw new UrlFailure(`invalid URL escape ${quote(`%${digits}`)}`);
    const value = Number.parseInt(digits, 16);
    // RFC 6874 and Go: a host name may only escape non-ASCII bytes (and `%25` before a zone).
    if (place === 'host' && value < 0x80 && digits !== '25')
      throw new UrlFailure(`invalid URL escape ${quote(`%${digits}`)}`);
    bytes.push(value);
    at += 2;
  }
  return fromBytes(Uint8Array.from(bytes));
}

function isHostCharacter(char: string): boolean {
  return /[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/.test(char);
}
