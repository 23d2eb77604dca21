/**
 * Issues, renews and revokes the certificates of one trust domain. A certificate counts as issued once the store has it: whatever
 * fails before that leaves nothing, and a join token that was not used.
 */
import type { X509Certificate } from 'node:crypto';
import { type CertificateSigningRequest, type Clock, readSigningRequest, SigningRequestRefused } from '@sidegate/sdk';
import { type Issuer, issueBelow, type PreparedIssuer, prepareIssuer } from '../ca/issue.ts';
import type { Sealing } from '../keys/sealing.ts';
import type { Database, Queries } from '../store/database.ts';
import { isWorkloadRevoked } from '../store/revocations.ts';
import {
  type Authority,
  type AuthorityOptions,
  openAuthority,
  readAuthorities,
  signingAuthority,
} from './authorities.ts';
import {
  describeCertificate,
  findCertificate,
  type IssuedCertificate,
  keepCertificate,
  type Revoked,
  revokeCertificates,
  thumbprintOf,
} from './certificates.ts';
import { csrProblems } from './csr-problems.ts';
import { EnrolmentRefused } from './enrolment-refused.ts';
import { recordSighting, registerHolder } from './holders.ts';
import { certificateRequest, type Identity, identityProblems, spiffeIdOf, type TrustDomain } from './identity.ts';
import { createJoinToken, findJoinToken, useJoinToken } from './join-tokens.ts';
import { readTrustBundle, type TrustBundle } from './trust-bundle.ts';

export interface CertificateAuthorityOptions {
  readonly database: Database;
  readonly sealing: Sealing;
  readonly clock: Pick<Clock, 'now'>;
  /** Cryptographically strong bytes. */
  readonly random: (bytes: number) => Buffer;
  readonly trustDomain: TrustDomain;
  readonly authorities: AuthorityOptions;
  readonly bundleRefreshHintSeconds: number;
}

/** What a requester has a say in. */
export interface AskedFor {
  /** PKCS#10 in PEM. */
  readonly csr: string;
  /** Shorter than its identity's life; absent: that life. */
  readonly ttlSeconds?: number | undefined;
}

export interface IssuedChain {
  readonly certificate: X509Certificate;
  readonly issued: IssuedCertificate;
  /** PEM: the certificate and the intermediate that signed it. */
  readonly chain: string;
  readonly bundle: TrustBundle;
}

export interface CertificateAuthority {
  readonly options: CertificateAuthorityOptions;
  /** @throws EnrolmentRefused `invalid_request` when no certificate could be for this identity */
  createJoinToken(identity: Identity, expiresAt: number): Promise<string>;
  /** @throws EnrolmentRefused */
  enrol(joinToken: string, asked: AskedFor): Promise<IssuedChain>;
  /**
   * @param shown DER of the certificate whose key the connection has proven
   * @throws EnrolmentRefused
   */
  renew(shown: Buffer, asked: AskedFor): Promise<IssuedChain>;
  /** By whoever may use the store: nobody else renews it. @throws EnrolmentRefused */
  issue(identity: Identity, asked: AskedFor): Promise<IssuedChain>;
  /** @returns those that were not revoked before */
  revoke(which: Revoked): Promise<IssuedCertificate[]>;
  bundle(): Promise<TrustBundle>;
  /** Notes which bundle the holder of a certificate trusts; whoever shows none that is good is not noted. */
  sighted(shown: Buffer, bundleSequence: number): Promise<void>;
  /** Its key, opened. */
  issuerOf(authority: Authority): Issuer;
}

/** From this share of its life on a certificate may be renewed. */
export const RENEWABLE_AFTER = 2 / 3;

const HOLDER_BYTES = 16;

export function createCertificateAuthority(options: CertificateAuthorityOptions): CertificateAuthority {
  const { database, sealing, clock, random, trustDomain, bundleRefreshHintSeconds } = options;
  const opened = new Map<string, Issuer & PreparedIssuer>();
  const issuerOf = (authority: Authority): Issuer & PreparedIssuer => {
    const known = opened.get(authority.id);
    if (known !== undefined) return known;
    const issuer = openAuthority(authority, sealing);
    const prepared = { ...issuer, ...prepareIssuer(issuer) };
    opened.set(authority.id, prepared);
    return prepared;
  };

  async function sign(identity: Identity, asked: AskedFor, holder: string | undefined): Promise<Signed> {
    const request = readRequest(asked.csr);
    const problems = csrProblems(request, identity, trustDomain.name);
    const validForMs = asked.ttlSeconds === undefined ? identity.validForMs : asked.ttlSeconds * 1000;
    if (!(validForMs > 0 && validForMs <= identity.validForMs)) {
      problems.push(`it asks for a life that is not between a second and ${identity.validForMs / 1000} seconds`);
    }
    if (problems.length > 0) throw new EnrolmentRefused('csr_rejected', problems.join('; '));
    const wrong = identityProblems(identity, trustDomain);
    if (wrong.length > 0) throw new EnrolmentRefused('csr_rejected', wrong.join('; '));
    const authority = signingAuthority(await readAuthorities(database), identity.zone);
    if (authority === undefined) throw new Error(`the zone ${identity.zone} has no authority that signs`);
    const wanted = certificateRequest({ ...identity, validForMs }, trustDomain);
    const certificate = await issueBelow(wanted, request.publicKey, issuerOf(authority), clock.now());
    const spiffeId = spiffeIdOf(identity, trustDomain.name);
    const issued = describeCertificate(certificate, { authority: authority.id, holder, spiffeId, identity });
    return { certificate, issued, chain: certificate.toString() + authority.pem };
  }

  /** Only what is kept is handed out. */
  async function keep(
    signed: Signed,
    also: (queries: Queries, bundle: TrustBundle) => Promise<void>,
  ): Promise<IssuedChain> {
    return database.transaction(async (queries) => {
      const bundle = await readTrustBundle(queries, bundleRefreshHintSeconds);
      await refuseRevoked(queries, signed.issued, clock.now());
      await keepCertificate(queries, signed.issued);
      await also(queries, bundle);
      return { ...signed, bundle };
    });
  }

  return {
    options,
    issuerOf,
    createJoinToken: async (identity, expiresAt) => {
      const problems = identityProblems(identity, trustDomain);
      if (problems.length > 0) throw new EnrolmentRefused('invalid_request', problems.join('; '));
      const spiffeId = spiffeIdOf(identity, trustDomain.name);
      return createJoinToken(database, { identity, spiffeId, expiresAt }, random);
    },
    enrol: async (joinToken, asked) => {
      const now = clock.now();
      const token = await findJoinToken(database, joinToken, now);
      if (token === undefined) throw invalidToken('it is unknown, used or expired');
      const holder = random(HOLDER_BYTES).toString('base64url');
      const signed = await sign(token.identity, asked, holder);
      return keep(signed, async (queries, { sequence }) => {
        if (!(await useJoinToken(queries, token, now))) throw invalidToken('it was used at the same time');
        const { thumbprint: shown, spiffeId } = signed.issued;
        await registerHolder(queries, { id: holder, spiffeId, shown, bundleSequence: sequence, seenAt: now });
      });
    },
    renew: async (shown, asked) => {
      const current = await goodCertificate(database, shown, clock.now());
      if (current.holder === undefined) {
        throw new EnrolmentRefused('certificate_unknown', 'this certificate was not enrolled, so it is not renewed');
      }
      const authorities = await readAuthorities(database);
      const signing = signingAuthority(authorities, current.identity.zone);
      const early = renewableAt(current) - clock.now();
      if (early > 0 && signing?.id === current.authority) {
        const retryAfterSeconds = Math.ceil(early / 1000);
        throw new EnrolmentRefused('renewal_too_early', 'two thirds of its life are not over', { retryAfterSeconds });
      }
      const signed = await sign(current.identity, asked, current.holder);
      return keep(signed, async (queries) => {
        // It may have been revoked while the new one was signed.
        await refuseRevoked(queries, await goodCertificate(queries, shown, clock.now()), clock.now());
      });
    },
    issue: async (identity, asked) => {
      const signed = await sign(identity, asked, undefined);
      return keep(signed, async () => undefined);
    },
    revoke: (which) => database.transaction((queries) => revokeCertificates(queries, which, clock.now())),
    bundle: () => readTrustBundle(database, bundleRefreshHintSeconds),
    sighted: async (shown, bundleSequence) => {
      const { holder, thumbprint } = await goodCertificate(database, shown, clock.now());
      if (holder === undefined) return;
      await recordSighting(database, { id: holder, shown: thumbprint, bundleSequence, seenAt: clock.now() });
    },
  };
}

type Signed = Omit<IssuedChain, 'bundle'>;

/** When two thirds of a certificate's life are over. */
export function renewableAt({ notBefore, notAfter }: Pick<IssuedCertificate, 'notBefore' | 'notAfter'>): number {
  return notBefore + (notAfter - notBefore) * RENEWABLE_AFTER;
}

/** Exactly that certificate, issued here, neither expired nor revoked. Fails closed. */
async function goodCertificate(queries: Queries, shown: Buffer, now: number): Promise<IssuedCertificate> {
  const known = await findCertificate(queries, thumbprintOf(shown));
  if (known === undefined) throw new EnrolmentRefused('certificate_unknown', 'this certificate was not issued here');
  if (known.revokedAt !== undefined) throw new EnrolmentRefused('certificate_revoked', 'this certificate was revoked');
  if (!(known.notAfter > now)) throw new EnrolmentRefused('certificate_expired', 'this certificate has expired');
  return known;
}

/** A workload that `sidegate revoke` has taken back gets no certificate, and with an old one no new one. */
async function refuseRevoked(queries: Queries, { spiffeId, notBefore }: IssuedCertificate, now: number): Promise<void> {
  if (!(await isWorkloadRevoked(queries, spiffeId, { issuedAt: notBefore / 1000, now: now / 1000 }))) return;
  throw new EnrolmentRefused('certificate_revoked', 'certificates of this workload were revoked');
}

function readRequest(csr: string): CertificateSigningRequest {
  try {
    return readSigningRequest(csr);
  } catch (error) {
    if (!(error instanceof SigningRequestRefused)) throw error;
    throw new EnrolmentRefused('csr_rejected', error.message, { cause: error });
  }
}

/** Whoever guesses learns nothing. */
function invalidToken(detail: string): EnrolmentRefused {
  return new EnrolmentRefused('join_token_invalid', 'this join token cannot be used', { detail });
}
