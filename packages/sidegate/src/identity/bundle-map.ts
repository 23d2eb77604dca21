/** The bundles of several trust domains in one document: `trust_domains`, each a SPIFFE bundle (SPIFFE Trust Domain and Bundle, section 4). */
import { X509Certificate } from 'node:crypto';
import { type JsonObject, type JsonValue, parseSpiffeId } from '@sidegate/sdk';

export interface BundleMap {
  /** PEM, by trust domain. */
  readonly bundles: Readonly<Record<string, string>>;
  /** Those that cannot be used, which nobody is told to trust. */
  readonly unusable: readonly string[];
}

const MAX_TRUST_DOMAINS = 256;

/** One that is wrong spoils no other. */
export function readBundleMap({ trust_domains: trustDomains }: JsonObject): BundleMap {
  const entries = Object.entries(isObject(trustDomains) ? trustDomains : {}).slice(0, MAX_TRUST_DOMAINS);
  const read = entries.map(([name, bundle]) => [name, authoritiesOf(name, bundle)] as const);
  return {
    bundles: Object.fromEntries(read.flatMap(([name, pem]) => (pem === undefined ? [] : [[name, pem] as const]))),
    unusable: read.flatMap(([name, pem]) => (pem === undefined ? [name] : [])),
  };
}

/** PEM; undefined where there is none that can be used. */
function authoritiesOf(name: string, bundle: JsonValue): string | undefined {
  try {
    if (parseSpiffeId(`spiffe://${name}`).path !== '' || !isObject(bundle)) return undefined;
    const { keys } = bundle;
    if (!Array.isArray(keys)) return undefined;
    const authorities = keys.filter(isObject).flatMap(({ use, x5c }) => {
      if (use !== 'x509-svid') return [];
      const [only] = Array.isArray(x5c) ? x5c : [];
      return [new X509Certificate(Buffer.from(String(only), 'base64'))];
    });
    return authorities.length > 0 && authorities.every(({ ca }) => ca) ? authorities.map(String).join('') : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
