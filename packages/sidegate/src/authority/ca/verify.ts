/**
 * Checks a certificates directory as it lies there, whoever made it: `ca/<zone>-ca`, and in every other folder
 * `server` and `client-<called zone>`. Agrees with `openssl verify -x509_strict -purpose sslserver|sslclient`
 * wherever that refuses, and also finds what only shows in a handshake (SD-01).
 */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, parseSpiffeId, SpiffeIdError } from '@sidegate/sdk';
import { authorityFindings, leafFindings, type StoredCertificate } from './certificate-findings.ts';
import { fileErrorCode } from './file-error.ts';
import { type Finding, PkiRefused } from './finding.ts';
import { readPair } from './pair-file.ts';
import { AUTHORITY_DIRECTORY, authorityPath } from './plan.ts';

/** What was looked at, and everything that is wrong with it. */
export interface PkiVerdict {
  /** Certificates that were found, without ending. */
  readonly paths: readonly string[];
  /** Empty: every handshake that the directory is for succeeds. */
  readonly findings: readonly Finding[];
}

/**
 * Verifies every certificate and key of a directory.
 *
 * @throws {PkiRefused} when there is no directory with authorities to verify.
 */
export async function verifyPki(directory: string, { clock }: { readonly clock: Clock }): Promise<PkiVerdict> {
  const paths = await findPairs(directory);
  const authorityPaths = paths.filter(isAuthorityPath);
  if (authorityPaths.length === 0) {
    const message = `holds no certificate authority: ${authorityPath('<zone>')}.crt is expected below it`;
    throw new PkiRefused([{ file: directory, code: 'missing', message }]);
  }
  const findings: Finding[] = [];
  const authorities = new Map<string, StoredCertificate>();
  for (const path of authorityPaths) {
    const { certificate, findings: found } = await readPair(directory, path);
    findings.push(...found);
    if (certificate === undefined) continue;
    authorities.set(path, certificate);
    findings.push(...authorityFindings(certificate, clock.now()));
  }
  const leaves = paths.filter((path) => !isAuthorityPath(path));
  const perLeaf = leaves.map((path) => verifyLeaf(directory, path, { authorities, now: clock.now() }));
  return { paths, findings: [...findings, ...(await Promise.all(perLeaf)).flat()] };
}

interface Context {
  readonly authorities: ReadonlyMap<string, StoredCertificate>;
  readonly now: number;
}

async function verifyLeaf(directory: string, path: string, { authorities, now }: Context): Promise<Finding[]> {
  const { certificate, privateKey, findings: found } = await readPair(directory, path);
  const findings = [...found];
  if (certificate === undefined) {
    return findings.length > 0 ? findings : [missing(`${path}.crt`, 'is missing beside its key')];
  }
  if (privateKey === undefined && findings.length === 0) {
    findings.push(missing(`${path}.key`, 'is missing beside its certificate'));
  }
  const calledZone = /\/client-(.+)$/.exec(path)?.[1];
  const expected = calledZone === undefined ? serverAuthority(certificate, authorities) : authorityPath(calledZone);
  const authority = expected === undefined ? undefined : authorities.get(expected);
  if (authority === undefined) {
    const file = `${expected ?? authorityPath('<zone>')}.crt`;
    return [...findings, missing(file, `is missing or not usable, so ${path}.crt has nobody to vouch for it`)];
  }
  return [
    ...findings,
    ...leafFindings(certificate, authority, { purpose: calledZone === undefined ? 'server' : 'client', now }),
  ];
}

/** A server belongs to the zone that its SPIFFE ID names; one without is taken to belong to the issuer that it names. */
function serverAuthority(server: StoredCertificate, authorities: Context['authorities']): string | undefined {
  const zone = zoneOf(server);
  if (zone !== undefined) return authorityPath(zone);
  const issuer = [...authorities].find(([, { certificate }]) => server.certificate.checkIssued(certificate));
  return issuer?.[0];
}

function zoneOf({ facts }: StoredCertificate): string | undefined {
  const uri = facts.subjectAltNames.find(({ kind }) => kind === 'uri')?.value;
  if (uri === undefined) return undefined;
  try {
    const [zone, ...service] = parseSpiffeId(uri).path.slice(1).split('/');
    return service.length > 0 ? zone : undefined;
  } catch (error) {
    if (error instanceof SpiffeIdError) return undefined;
    throw error;
  }
}

/** Every `x.crt` or `x.key` one folder below the directory, without ending, sorted. */
async function findPairs(directory: string): Promise<string[]> {
  const folders = await listed(directory);
  const paths = new Set<string>();
  for (const folder of folders.filter((entry) => entry.isDirectory())) {
    for (const file of await listed(join(directory, folder.name))) {
      const base = /^(.+)\.(?:crt|key)$/.exec(file.name)?.[1];
      if (base !== undefined && isPairName(folder.name, base)) paths.add(`${folder.name}/${base}`);
    }
  }
  return [...paths].sort();
}

const isAuthorityPath = (path: string): boolean => path.startsWith(`${AUTHORITY_DIRECTORY}/`);

const isPairName = (folder: string, base: string): boolean =>
  folder === AUTHORITY_DIRECTORY ? base.endsWith('-ca') : base === 'server' || base.startsWith('client-');

async function listed(directory: string) {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    const message = `cannot be listed (${fileErrorCode(error)})`;
    throw new PkiRefused([{ file: directory, code: 'unreadable', message }]);
  }
}

const missing = (file: string, message: string): Finding => ({ file, code: 'missing', message });
