/** Trust bundles as the store has them now: the own roots and token keys, and what federated trust domains have published. */
import { X509Certificate } from 'node:crypto';
import type { CertificateAuthority } from '../enrolment/certificate-authority.ts';
import type { RevocationLists } from '../enrolment/revocation-lists.ts';
import type { KeyRing } from '../issuer/signing-key.ts';
import type { TrustBundles } from './ports.ts';

export interface StoredBundles extends TrustBundles {
  /** Reads them anew, and tells subscribers of a change. */
  refresh(): Promise<void>;
}

export interface StoredBundlesOptions {
  readonly ca: CertificateAuthority;
  readonly keys: KeyRing;
  readonly lists: RevocationLists;
  /** The SPIFFE bundles of others, checked, by trust domain. */
  readonly federated: () => ReadonlyMap<string, Buffer>;
}

interface Bundle {
  readonly x509: readonly Uint8Array[];
  /** A JWK set; undefined: no key for JWT-SVIDs. */
  readonly jwt: Uint8Array | undefined;
}

export function storedBundles({ ca, keys, lists, federated }: StoredBundlesOptions): StoredBundles {
  const { name: trustDomain } = ca.options.trustDomain;
  const listeners = new Set<() => void>();
  let bundles: ReadonlyMap<string, Bundle> = new Map();
  let crl: readonly Uint8Array[] = [];
  let shown = '';
  return {
    trustDomain,
    x509: () => new Map(Array.from(bundles, ([name, { x509 }]) => [name, x509] as const)),
    jwt: () => new Map([...bundles].flatMap(([name, { jwt }]) => (jwt === undefined ? [] : [[name, jwt] as const]))),
    crl: () => crl,
    subscribe(told) {
      listeners.add(told);
      return () => void listeners.delete(told);
    },
    async refresh() {
      const { roots } = await ca.bundle();
      const own = { x509: roots.map(({ pem }) => new X509Certificate(pem).raw), jwt: keySet(keys.published()) };
      const others = Array.from(federated(), ([name, document]) => [name, federatedBundle(document)] as const);
      const next = new Map<string, Bundle>([[trustDomain, own], ...others]);
      const current = [...(await lists.current()).values()];
      const parts = [...next].map(([name, { x509, jwt }]) => [name, x509.map(hex), jwt && hex(jwt)]);
      const text = JSON.stringify([parts, current.map(hex)]);
      if (text === shown) return;
      [bundles, crl, shown] = [next, current, text];
      for (const listener of listeners) listener();
    },
  };
}

interface BundleKey {
  readonly use?: string;
  readonly x5c?: readonly string[];
}

/** A SPIFFE bundle (SPIFFE Trust Domain and Bundle, section 4) as the Workload API carries it: certificates here, plain JWKs there. */
function federatedBundle(document: Buffer): Bundle {
  const { keys } = JSON.parse(document.toString()) as { readonly keys: readonly BundleKey[] };
  const x509 = keys.filter(({ use }) => use === 'x509-svid').map(({ x5c = [] }) => Buffer.from(x5c[0] ?? '', 'base64'));
  const jwt = keys.filter(({ use }) => use === 'jwt-svid').map((key) => ({ ...key, use: undefined }));
  return { x509, jwt: jwt.length === 0 ? undefined : keySet(jwt) };
}

function keySet(keys: readonly object[]): Uint8Array {
  return Buffer.from(JSON.stringify({ keys }));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
