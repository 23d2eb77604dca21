/** Does a URL lead to another service of ours? By its host where that is written out, by its name where it comes from outside. */
import type { SourceCode } from 'eslint';
import { resolve } from '../analysis/resolve.ts';
import { classOfThis, memberName, type Node, unwrap } from '../analysis/syntax.ts';
import type { Text } from '../analysis/text.ts';

export interface HostOptions {
  /** Globs of further hosts that are services. */
  readonly services?: readonly string[];
  /** Globs of hosts that are none, whatever they look like. */
  readonly exempt?: readonly string[];
}

const HOLE = '\u{FFFC}';
const INTERNAL = /(?:^|\.)(?:svc|internal|local|lan|intranet|mesh|consul|corp)$|\.svc\./;
const PRIVATE_ADDRESS = /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)\d/;
const LOOPBACK = /^(?:localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\]|host\.docker\.internal|.*\.localhost)$/;
const NAMED_SERVICE = /(?:^|[-.])(?:service|svc)(?:\.|$)/;
/** What a service answers to everybody: keys, metadata, token requests (which authenticate in the body), probes. */
const OPEN_PATH = new RegExp(
  String.raw`^/(?:.*/)?(?:\.well-known(?:/.*)?|jwks(?:\.json)?|certs|keys|token|introspect|revoke|health[a-z]*|ready[a-z]*|live[a-z]*|metrics|ping)/?(?:[?#].*)?$`,
);

const SERVICE_WORDS: ReadonlySet<string> = new Set([
  'service',
  'services',
  'svc',
  'upstream',
  'internal',
  'backend',
  'microservice',
]);
const ADDRESS_WORDS: ReadonlySet<string> = new Set([
  'url',
  'uri',
  'host',
  'hostname',
  'base',
  'origin',
  'endpoint',
  'address',
  'addr',
  'target',
  'root',
]);
const OTHER_WORDS: ReadonlySet<string> = new Set([
  'idp',
  'issuer',
  'token',
  'jwks',
  'oidc',
  'keycloak',
  'public',
  'external',
  'webhook',
]);
const CLIENT_CLASS = /(?:Client|Adapter|Gateway|Proxy)$/;

/** How the service is called in a message: its host, or the name of what holds it; undefined: it is none. */
export function serviceOf(code: SourceCode, url: Text, options: HostOptions = {}): string | undefined {
  const text = url.map((piece) => (typeof piece === 'string' ? piece : HOLE)).join('');
  const [, authority, path = ''] = /^(?:https?:)?\/\/([^/?#]*)(.*)$/s.exec(text) ?? [];
  const first = url.find((piece) => piece !== '');
  if (authority !== undefined) {
    const host = authority.replace(/^[^@]*@/, '').replace(new RegExp(`:(?:\\d+|${HOLE})+$|(?<=[^.])${HOLE}$`), '');
    if (OPEN_PATH.test(path)) return undefined;
    if (host !== HOLE) return isService(host.toLowerCase(), options) ? host.replaceAll(HOLE, '…') : undefined;
    const hole = url.find((piece) => typeof piece !== 'string');
    return hole === undefined ? undefined : serviceOfName(code, hole);
  }
  if (first === undefined || typeof first === 'string') return undefined;
  if (OPEN_PATH.test(text.slice(HOLE.length))) return undefined;
  return serviceOfName(code, first);
}

/** Whether the host that a URL writes out is one of the globs. */
export function isHostOf(url: Text, globs: readonly string[]): boolean {
  const [first] = url;
  const host = typeof first === 'string' ? /^(?:https?:)?\/\/(?:[^@/]*@)?([^/?#:]+)/.exec(first)?.[1] : undefined;
  return host !== undefined && globs.some((glob) => matches(glob, host.toLowerCase()));
}

/** The business that a service is about: `paymentServiceUrl` and `payment-service` are one. */
export function domainOf(service: string): string {
  const [host = ''] = service.split('.');
  const words = wordsOf(/^[\d.]+$/.test(service) ? service : host);
  return words.filter((word) => !SERVICE_WORDS.has(word) && !ADDRESS_WORDS.has(word)).join(' ');
}

function isService(host: string, { services = [], exempt = [] }: HostOptions): boolean {
  if (exempt.some((glob) => matches(glob, host))) return false;
  if (services.some((glob) => matches(glob, host))) return true;
  if (LOOPBACK.test(host)) return false;
  return !host.includes('.') || INTERNAL.test(host) || PRIVATE_ADDRESS.test(host) || NAMED_SERVICE.test(host);
}

function matches(glob: string, host: string): boolean {
  const pattern = glob
    .toLowerCase()
    .split('*')
    .map((part) => part.replaceAll(/[^\w-]/g, String.raw`\$&`))
    .join('.*');
  return new RegExp(`^${pattern}$`).test(host);
}

/** `settings.productServiceUrl`, `process.env.STOCK_SERVICE_URL`, `config.get('payments.service.url')`, `this.baseUrl` of a client. */
function serviceOfName(code: SourceCode, hole: Node): string | undefined {
  const name = holeName(hole) ?? holeName(resolve(code, hole));
  if (name === undefined) return undefined;
  const words = wordsOf(name);
  if (words.some((word) => OTHER_WORDS.has(word)) || !words.some((word) => ADDRESS_WORDS.has(word))) return undefined;
  if (words.some((word) => SERVICE_WORDS.has(word))) return name;
  const owner = classOfThis(hole);
  const client = words.includes('base') && CLIENT_CLASS.test(owner?.id?.name ?? '');
  return client && !wordsOf(owner?.id?.name ?? '').some((word) => OTHER_WORDS.has(word)) ? name : undefined;
}

function holeName(hole: Node): string | undefined {
  const node = unwrap(hole);
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'MemberExpression') return memberName(node);
  if (node.type !== 'CallExpression') return undefined;
  const [key] = node.arguments;
  return key?.type === 'Literal' && typeof key.value === 'string' ? key.value : undefined;
}

function wordsOf(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== '');
}
