/** What `FetchX509SVID` is answered: a fresh key and certificate for each identity, with the bundles to verify others by. */
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { writeX509SvidResponse } from '@sidegate/sdk/workload-api';
import type { SvidIssuer, TrustBundles } from './ports.ts';
import type { RegistrationEntry } from './registration.ts';

export interface X509Answer {
  readonly message: Uint8Array;
  /** Milliseconds since the epoch: when the first of them ends. */
  readonly expiresAt: number;
  readonly issued: readonly { readonly id: string; readonly notAfter: number }[];
}

const generate = promisify(generateKeyPair);

export async function x509Answer(
  entries: readonly RegistrationEntry[],
  issuer: SvidIssuer,
  bundles: TrustBundles,
): Promise<X509Answer> {
  const issued = await Promise.all(
    entries.map(async ({ id, dnsNames, x509TtlMs, hint }) => {
      const { privateKey } = await generate('ec', { namedCurve: 'prime256v1' });
      const { chain, notAfter } = await issuer.issue({ id, privateKey, dnsNames, validForMs: x509TtlMs });
      return { id: id.uri, hint, chain, notAfter, privateKey };
    }),
  );
  const x509 = bundles.x509();
  const bundle = Buffer.concat(x509.get(bundles.trustDomain) ?? []);
  const message = writeX509SvidResponse({
    svids: issued.map(({ id, hint, chain, privateKey }) => ({
      spiffeId: id,
      certificates: Buffer.concat(chain),
      privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }),
      bundle,
      hint,
    })),
    crl: bundles.crl(),
    federatedBundles: federated(x509, bundles.trustDomain),
  });
  return {
    message,
    expiresAt: Math.min(...issued.map(({ notAfter }) => notAfter)),
    issued: issued.map(({ id, notAfter }) => ({ id, notAfter })),
  };
}

/** By trust domain as a SPIFFE ID, without the own one, which each identity carries. */
function federated(bundles: ReadonlyMap<string, readonly Uint8Array[]>, own: string): ReadonlyMap<string, Uint8Array> {
  const others = [...bundles].filter(([trustDomain]) => trustDomain !== own);
  return new Map(others.map(([trustDomain, authorities]) => [`spiffe://${trustDomain}`, Buffer.concat(authorities)]));
}
