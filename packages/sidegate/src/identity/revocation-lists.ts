/** Revocation lists from a file, RFC 5280 section 5: every one of them is read here, because Node takes the first and is silent about the rest. */
import type { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import {
  Problem,
  type RevocationList,
  readCertificate,
  readRevocationList,
  sameDistinguishedName,
} from '@sidegate/sdk';
import type { Loaded, ReadFile } from './key-pair.ts';

const LIST = /-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g;

/** @returns one PEM text for each list */
export function loadRevocationLists(file: string, readFile: ReadFile): Loaded<readonly string[]> {
  let text: string;
  try {
    ({ text } = readFile(file));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return failed(file, `cannot be read (${code})`, 'check the path and the permissions');
  }
  const begun = text.match(/-----BEGIN [A-Z0-9 ]*-----/g)?.length ?? 0;
  const lists = text.match(LIST) ?? [];
  if (begun === 0) return failed(file, 'is not a PEM revocation list', 'it must start with -----BEGIN X509 CRL-----');
  const wrong = lists.findIndex((list) => !isList(list));
  if (wrong === -1 && lists.length === begun) return { ok: true, value: lists };
  const place = wrong === -1 ? 'something' : `revocation list ${wrong + 1}`;
  return failed(file, `has ${place} that cannot be read as one, among ${begun}`, 'issue it anew, or take it out');
}

/** @param pem that {@link loadRevocationLists} has read */
export function revocationListOf(pem: string): RevocationList {
  return readRevocationList(Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'));
}

/**
 * A current list of its issuer does not have it.
 *
 * @throws Problem `peer_identity_invalid`, also when there is no such list
 */
export function requireUnrevoked({ raw }: X509Certificate, revocations: readonly RevocationList[], now: number): void {
  const { issuer, serialNumber } = readCertificate(raw);
  const lists = revocations.filter((list) => sameDistinguishedName(list.issuer, issuer));
  if (lists.length === 0 || lists.some(({ thisUpdate, nextUpdate }) => thisUpdate > now || now >= nextUpdate)) {
    throw new Problem('peer_identity_invalid', 'no current revocation list tells whether the certificate still counts');
  }
  if (lists.some(({ serialNumbers }) => serialNumbers.has(serialNumber))) {
    throw new Problem('peer_identity_invalid', 'the certificate was revoked');
  }
}

/** Whether nobody is in these lists who is not in those, or the other way round; dates of lists do not count. */
export function sameRevocations(
  these: readonly RevocationList[] | undefined,
  those: readonly RevocationList[] | undefined,
): boolean {
  if (these === undefined || those === undefined) return these === those;
  const [ours, theirs] = [these, those].map(
    (lists) => new Set(lists.flatMap(({ serialNumbers }) => [...serialNumbers])),
  );
  return ours?.symmetricDifference(theirs ?? new Set()).size === 0;
}

function isList(pem: string): boolean {
  try {
    createSecureContext({ crl: pem });
    revocationListOf(pem);
    return true;
  } catch {
    return false;
  }
}

function failed(file: string, message: string, hint: string): Loaded<never> {
  return { ok: false, findings: [{ file, message, hint }] };
}
