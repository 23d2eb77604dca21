/** `X-Forwarded-Client-Cert` as Envoy writes it: elements after commas, each with `Key=value` pairs after semicolons. */
import { Problem } from '../problem.ts';

/** What one proxy says of the certificate that it was shown. */
export interface ForwardedClientCert {
  /** URI names of the proxy's own certificate. */
  readonly by: readonly string[];
  /** SHA-256 of the DER, hexadecimal. */
  readonly hash: string | undefined;
  /** PEM, decoded. */
  readonly cert: string | undefined;
  readonly chain: string | undefined;
  readonly subject: string | undefined;
  readonly uris: readonly string[];
  readonly dns: readonly string[];
}

type Key = 'by' | 'hash' | 'cert' | 'chain' | 'subject' | 'uri' | 'dns';

const MAX_CHARACTERS = 64 * 1024;
const KEYS: ReadonlySet<string> = new Set<Key>(['by', 'hash', 'cert', 'chain', 'subject', 'uri', 'dns']);
const REPEATED: ReadonlySet<string> = new Set<Key>(['by', 'uri', 'dns']);
/** A value is plain, or quoted with backslashes before quotes and backslashes. */
const PAIR = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))(,|;|$)/sy;

/**
 * All elements, the oldest hop first. Strict: what two readers could take apart differently is refused.
 *
 * @throws Problem `peer_identity_invalid`
 * @example
 * ```ts
 * import { parseForwardedClientCert } from '@sidegate/sdk/server';
 *
 * const [hop] = parseForwardedClientCert('By=spiffe://acme.com/payment;Subject="CN=order-service,O=Acme";URI=spiffe://acme.com/order');
 * console.log(hop?.subject, hop?.uris); // CN=order-service,O=Acme [ 'spiffe://acme.com/order' ]
 * ```
 */
export function parseForwardedClientCert(text: string): readonly ForwardedClientCert[] {
  if (text.length > MAX_CHARACTERS) throw invalid(`it is longer than ${MAX_CHARACTERS} characters`);
  const elements: ForwardedClientCert[] = [];
  let pairs = new Map<Key, string[]>();
  const pattern = new RegExp(PAIR);
  let end = ';';
  while (end !== '') {
    const [, name = '', quoted, plain = '', separator = ''] = pattern.exec(text) ?? [];
    const key = name.toLowerCase();
    if (!isKey(key)) throw invalid(name === '' ? 'it is not Key=value pairs' : `it has an unknown key ${name}`);
    const values = pairs.get(key) ?? [];
    if (values.length > 0 && !REPEATED.has(key)) throw invalid(`an element has ${name} twice`);
    pairs.set(key, [...values, quoted === undefined ? plain : quoted.replaceAll(/\\(.)/gs, '$1')]);
    end = separator;
    if (end === ';') continue;
    elements.push(elementOf(pairs));
    pairs = new Map();
  }
  return elements;
}

function isKey(name: string): name is Key {
  return KEYS.has(name);
}

function elementOf(pairs: ReadonlyMap<Key, readonly string[]>): ForwardedClientCert {
  const one = (key: Key): string | undefined => {
    const [value] = pairs.get(key) ?? [];
    return value === '' ? undefined : value;
  };
  const all = (key: Key): readonly string[] => (pairs.get(key) ?? []).filter((value) => value !== '');
  return {
    by: all('by'),
    hash: one('hash'),
    cert: decoded(one('cert')),
    chain: decoded(one('chain')),
    subject: one('subject'),
    uris: all('uri'),
    dns: all('dns'),
  };
}

function decoded(pem: string | undefined): string | undefined {
  try {
    return pem === undefined ? undefined : decodeURIComponent(pem);
  } catch (cause) {
    throw invalid('a certificate in it is not percent-encoded', cause);
  }
}

function invalid(reason: string, cause?: unknown): Problem {
  return new Problem('peer_identity_invalid', `X-Forwarded-Client-Cert is refused: ${reason}`, { cause });
}
