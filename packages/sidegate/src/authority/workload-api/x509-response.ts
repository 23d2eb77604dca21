/**
 * What `FetchX509SVID` is answered: a fresh key and certificate for each identity, with the bundles to verify others by. Where only the
 * revocation lists of others have changed, nobody needs another key.
 */
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { readCertificate, readRevocationList } from '@sidegate/sdk';
import { writeX509SvidResponse } from '@sidegate/sdk/workload-api';
import type { RevokedWorkloads, SvidIssuer, TrustBundles } from './ports.ts';
import type { RegistrationEntry } from './registration.ts';

export interface IssuedSvids {
  readonly svids: readonly Issued[];
  /** Milliseconds since the epoch: when half of the shortest life is over. */
  readonly renewAt: number;
  /** Of what they were made: other entries or authorities need others. */
  readonly madeOf: string;
}

interface Issued {
  readonly entry: RegistrationEntry;
  /** DER, the leaf first. */
  readonly chain: readonly Uint8Array[];
  readonly notAfter: number;
  /** PKCS #8, DER. */
  readonly privateKey: Uint8Array;
}

const generate = promisify(generateKeyPair);

export async function issueSvids(
  entries: readonly RegistrationEntry[],
  issuer: SvidIssuer,
  { bundles, now }: { readonly bundles: TrustBundles; readonly now: number },
): Promise<IssuedSvids> {
  const svids = await Promise.all(
    entries.map(async (entry): Promise<Issued> => {
      const { id, dnsNames, x509TtlMs: validForMs } = entry;
      const { privateKey } = await generate('ec', { namedCurve: 'prime256v1' });
      const { chain, notAfter } = await issuer.issue({ id, privateKey, dnsNames, validForMs });
      return { entry, chain, notAfter, privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }) };
    }),
  );
  const ends = Math.min(...svids.map(({ notAfter }) => notAfter));
  return { svids, renewAt: now + (ends - now) / 2, madeOf: whatMakes(entries, bundles) };
}

/** Whether they can be sent once more: what they were made of is as it was, and nobody has taken one of them back. */
export async function stillGood(
  { svids, renewAt, madeOf }: IssuedSvids,
  entries: readonly RegistrationEntry[],
  {
    bundles,
    revoked,
    now,
  }: { readonly bundles: TrustBundles; readonly revoked: RevokedWorkloads; readonly now: number },
): Promise<boolean> {
  if (now >= renewAt || madeOf !== whatMakes(entries, bundles)) return false;
  const listed = new Set(bundles.crl().flatMap((der) => [...readRevocationList(Buffer.from(der)).serialNumbers]));
  for (const { entry, chain } of svids) {
    const { serialNumber, notBefore } = readCertificate(Buffer.from(chain[0] ?? []));
    if (listed.has(serialNumber) || (await revoked.isRevoked(entry.id, notBefore))) return false;
  }
  return true;
}

export function x509Message({ svids }: IssuedSvids, bundles: TrustBundles): Uint8Array {
  const x509 = bundles.x509();
  const bundle = Buffer.concat(x509.get(bundles.trustDomain) ?? []);
  return writeX509SvidResponse({
    svids: svids.map(({ entry: { id, hint }, chain, privateKey }) => ({
      spiffeId: id.uri,
      certificates: Buffer.concat(chain),
      privateKey,
      bundle,
      hint,
    })),
    crl: bundles.crl(),
    federatedBundles: federated(x509, bundles.trustDomain),
  });
}

function whatMakes(entries: readonly RegistrationEntry[], bundles: TrustBundles): string {
  const identities = entries.map(({ id, dnsNames, x509TtlMs, hint }) => [id.uri, dnsNames, x509TtlMs, hint]);
  const own = bundles.x509().get(bundles.trustDomain) ?? [];
  return JSON.stringify([identities, own.map((der) => Buffer.from(der).toString('base64'))]);
}

/** By trust domain as a SPIFFE ID, without the own one, which each identity carries. */
function federated(bundles: ReadonlyMap<string, readonly Uint8Array[]>, own: string): ReadonlyMap<string, Uint8Array> {
  const others = [...bundles].filter(([trustDomain]) => trustDomain !== own);
  return new Map(others.map(([trustDomain, authorities]) => [`spiffe://${trustDomain}`, Buffer.concat(authorities)]));
}
