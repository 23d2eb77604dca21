/**
 * Keeps a sidecar's identity good: enrols with a join token where there is none, renews at two thirds of its life, follows the trust
 * bundle and the revocation lists. What fails is tried again, and changes nothing: the last good identity stays.
 */
import { createPrivateKey, generateKeyPair, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { type Clock, createSigningRequest, type Random, type Schedule } from '@sidegate/sdk';
import type { Logger } from '../telemetry/logger.ts';
import { type AuthorityClient, AuthorityRefused, authorityIdOf, type TrustedRoots } from './authority-client.ts';
import { type IdentityFiles, readIdentityFiles, writeIdentityFiles } from './identity-directory.ts';
import { readIdentityState, writeIdentityState } from './identity-state.ts';
import { certificatesOf, type KeyPair } from './key-pair.ts';

export interface EnrolledIdentityOptions {
  readonly directory: string;
  readonly commonName: string;
  /** Read anew for every try: it may be replaced. */
  readonly joinToken: () => string | undefined;
  /** How long the first enrolment may take. */
  readonly timeoutMs: number;
  /** The bundle that is served with: the authority is told of it, and of no later one. Undefined: nobody serves yet. */
  readonly inUse: () => number | undefined;
  readonly client: (identity: HeldIdentity | undefined) => AuthorityClient;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Random;
  readonly schedule: Schedule;
  readonly logger: Logger;
}

export interface HeldIdentity {
  readonly pair: KeyPair;
  readonly bundle: TrustedRoots;
  /** PEM, by trust domain. */
  readonly federated: Readonly<Record<string, string>>;
  /** PEM. */
  readonly revocationLists: string;
}

/** There is no identity, and none to be had. */
export class NotEnrolled extends Error {
  override readonly name = 'NotEnrolled';
}

const RENEW_AFTER = 2 / 3;
/** Instances that started together do not renew together. */
const RENEW_SPREAD = 1 / 12;
const FIRST_RETRY_MS = 1_000;
const MAX_WAIT_MS = 12 * 3_600_000;

const generate = promisify(generateKeyPair);

/**
 * Resolves once there is a good identity in its directory.
 *
 * @throws NotEnrolled
 */
export async function keepEnrolledIdentity(options: EnrolledIdentityOptions): Promise<AsyncDisposable> {
  const { directory, clock, logger, schedule, random } = options;
  const stored = await readHeld(directory, clock.now());
  let held = stored ?? (await enrolInTime(options));
  let share = renewalShare(random);
  let failures = 0;
  let closed = false;
  let cancel: () => void;
  let running = Promise.resolve();

  const keep = async (next: HeldIdentity): Promise<void> => {
    await writeHeld(directory, next);
    held = next;
  };

  /** The bundle first: it says whether the certificate must be renewed before its time. */
  async function look(): Promise<void> {
    const client = options.client(held);
    const now = clock.now();
    if (expiryOf(held) <= now) {
      await keep(await enrol(options));
      share = renewalShare(random);
      return;
    }
    const bundle = (await client.bundle(options.inUse(), held.pair)) ?? held.bundle;
    let next: HeldIdentity = { ...held, bundle, ...(await published(client, logger)) };
    if (renewalDue(next, share, now)) {
      const { key, csr } = await newRequest(options.commonName);
      const issued = await client.renew(csr, createPrivateKey(key), held.pair);
      next = { ...next, pair: { cert: issued.chain, key } };
      share = renewalShare(random);
      logger.info({ not_after: new Date(expiryOf(next)).toISOString() }, 'the certificate was renewed');
    }
    if (!same(held, next)) await keep(next);
  }

  function start(): void {
    running = look()
      .then(
        () => {
          failures = 0;
        },
        (error: unknown) => {
          failures += 1;
          logger.warn(
            { reason: reasonOf(error), retry: failures },
            'the authority gave nothing new; the identity stays',
          );
        },
      )
      .then(() => {
        if (!closed) cancel = schedule(waitMs(), start);
      });
  }

  function waitMs(): number {
    const hint = held.bundle.refreshHintSeconds * 1000;
    const due = dueAt(held, share) - clock.now();
    const retry = FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 12);
    const wait = failures > 0 ? Math.min(hint, retry) : due > 0 ? Math.min(hint, due) : hint;
    return Math.max(FIRST_RETRY_MS / 10, Math.min(wait, MAX_WAIT_MS) * (0.9 + random() / 10));
  }

  cancel = schedule(stored === undefined ? waitMs() : 0, start);
  return {
    [Symbol.asyncDispose]: async () => {
      closed = true;
      cancel();
      await running;
    },
  };
}

async function enrolInTime(options: EnrolledIdentityOptions): Promise<HeldIdentity> {
  const { clock, schedule, timeoutMs, directory } = options;
  const deadline = clock.now() + timeoutMs;
  for (let retry = FIRST_RETRY_MS / 4; ; retry *= 2) {
    try {
      const identity = await enrol(options);
      await writeHeld(directory, identity);
      return identity;
    } catch (error) {
      // What was refused once is refused again; what cannot be reached may come.
      const final = error instanceof AuthorityRefused || error instanceof NotEnrolled;
      if (final || clock.now() + retry > deadline) {
        throw error instanceof NotEnrolled ? error : new NotEnrolled(reasonOf(error), { cause: error });
      }
      await new Promise<void>((resolve) => schedule(retry, resolve));
    }
  }
}

async function enrol({ client, commonName, joinToken, logger }: EnrolledIdentityOptions): Promise<HeldIdentity> {
  const token = joinToken();
  if (token === undefined) throw new NotEnrolled('there is no join token, and no certificate that is good');
  const authority = client(undefined);
  const { key, csr } = await newRequest(commonName);
  const { chain, bundle } = await authority.enrol(csr, token, createPrivateKey(key));
  return { pair: { cert: chain, key }, bundle, ...(await published(authority, logger)) };
}

/** A bundle of others that cannot be used is told, and nothing that the own identity waits for. */
async function published(
  client: AuthorityClient,
  logger: Logger,
): Promise<Pick<HeldIdentity, 'federated' | 'revocationLists'>> {
  const { federated, revocationLists } = await client.published();
  for (const name of federated.unusable) {
    logger.warn({ trust_domain: name }, 'the bundle of a trust domain cannot be used');
  }
  return { federated: federated.bundles, revocationLists };
}

async function newRequest(commonName: string) {
  const { privateKey } = await generate('ec', { namedCurve: 'P-256' });
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    csr: createSigningRequest({ commonName }, privateKey),
  };
}

/** One that has expired, or does not fit together, is none. */
async function readHeld(directory: string, now: number): Promise<HeldIdentity | undefined> {
  const files = await readIdentityFiles(directory);
  if (files === undefined) return undefined;
  try {
    const { sequence, refreshHintSeconds, signing, federated } = readIdentityState(files.state);
    const held = {
      pair: { cert: files.chain, key: files.key },
      bundle: { pem: files.bundle, sequence, refreshHintSeconds, signing },
      federated,
      revocationLists: files.revocationLists,
    };
    const fits = new X509Certificate(files.chain).checkPrivateKey(createPrivateKey(files.key));
    return fits && certificatesOf(files.bundle).length > 0 && expiryOf(held) > now ? held : undefined;
  } catch {
    return undefined;
  }
}

function writeHeld(directory: string, { pair, bundle, federated, revocationLists }: HeldIdentity): Promise<void> {
  const { pem, ...state } = bundle;
  const files: IdentityFiles = {
    chain: pair.cert,
    key: pair.key,
    bundle: pem,
    revocationLists,
    state: writeIdentityState({ ...state, federated }),
  };
  return writeIdentityFiles(directory, files);
}

const expiryOf = ({ pair }: HeldIdentity): number => new X509Certificate(pair.cert).validToDate.getTime();

const renewalShare = (random: Random): number => RENEW_AFTER + random() * RENEW_SPREAD;

function dueAt({ pair }: HeldIdentity, share: number): number {
  const { validFromDate, validToDate } = new X509Certificate(pair.cert);
  return validFromDate.getTime() + (validToDate.getTime() - validFromDate.getTime()) * share;
}

/** Its time has come, or the authority that signed it signs no more. */
function renewalDue(identity: HeldIdentity, share: number, now: number): boolean {
  const [, issuer] = certificatesOf(identity.pair.cert);
  const { signing } = identity.bundle;
  const abandoned = issuer !== undefined && signing !== undefined && !signing.includes(authorityIdOf(issuer));
  return abandoned || now >= dueAt(identity, share);
}

const same = (one: HeldIdentity, other: HeldIdentity): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Errors of the network name hosts and codes, never a token. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unexpected error';
  const code = 'code' in error ? ` (${String(error.code)})` : '';
  return error instanceof AuthorityRefused ? `refused: ${error.message}` : `${error.message}${code}`;
}
