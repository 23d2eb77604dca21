/** The five methods of the SPIFFE Workload API for one caller, without the transport. */
import {
  type Clock,
  createPushedJwks,
  createTokenVerifier,
  Problem,
  type Schedule,
  type TokenVerifier,
} from '@sidegate/sdk';
import {
  readJwtSvidRequest,
  readValidateJwtSvidRequest,
  WireError,
  writeJwtBundlesResponse,
  writeJwtSvidResponse,
  writeValidateJwtSvidResponse,
  writeX509BundlesResponse,
} from '@sidegate/sdk/workload-api';
import type { KeyRing } from '../issuer/signing-key.ts';
import type { WorkloadEvent } from './event.ts';
import { type Caller, type IdentitiesDeps, identitiesOf, selectorsOf } from './identities.ts';
import { checkAudiences, signJwtSvid } from './jwt-svid.ts';
import type { SvidIssuer, TrustBundles } from './ports.ts';
import { asRefusal, Refusal } from './refusal.ts';
import type { RegistrationEntry } from './registration.ts';
import { writeStruct } from './struct.ts';
import { subscription } from './subscription.ts';
import { type IssuedSvids, issueSvids, stillGood, x509Message } from './x509-response.ts';

export interface WorkloadApiDeps extends IdentitiesDeps {
  readonly issuer: SvidIssuer;
  readonly bundles: TrustBundles;
  readonly keys: KeyRing;
  /** Told of every change of the entries. Returns what ends it. */
  readonly entriesChanged: (told: () => void) => () => void;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly log: (event: WorkloadEvent) => void;
}

export interface Subscriber {
  readonly send: (message: Uint8Array) => void;
  readonly refuse: (refusal: Refusal) => void;
}

type StreamMethod = 'FetchX509SVID' | 'FetchX509Bundles' | 'FetchJWTBundles';
type UnaryMethod = 'FetchJWTSVID' | 'ValidateJWTSVID';

export interface CallerApi {
  /** @returns what ends it */
  subscribe(method: StreamMethod, subscriber: Subscriber): () => void;
  /** @throws Refusal as a rejection */
  call(method: UnaryMethod, request: Uint8Array): Promise<Uint8Array>;
}

export function workloadApiOf(caller: Caller, deps: WorkloadApiDeps): CallerApi {
  const { issuer, bundles, keys, revoked, clock, schedule, log } = deps;
  const { pid, selectors: seen } = caller.peer;
  let selectors: ReadonlySet<string> = seen;
  /** What this workload was sent last. */
  let held: IssuedSvids | undefined;

  const identities = async (): Promise<readonly RegistrationEntry[]> => {
    selectors = await selectorsOf(caller, deps);
    return identitiesOf(selectors, deps);
  };
  const tellRefusal = (method: string, { message, cause }: Refusal): void => {
    const why = cause instanceof Error ? { cause: cause.message } : {};
    log({ event: 'workload_refused', method, reason: message, ...why, selectors: [...selectors], pid });
  };
  const tellIssued = (kind: 'x509' | 'jwt', id: string, expiresAt: number, audiences?: readonly string[]): void => {
    const expires = new Date(expiresAt).toISOString();
    const named = audiences === undefined ? {} : { audiences };
    log({ event: 'svid', kind, spiffe_id: id, ...named, expires_at: expires, pid });
  };

  const ANSWERS: Readonly<Record<StreamMethod, (send: Subscriber['send']) => Promise<number | undefined>>> = {
    async FetchX509SVID(send) {
      const entries = await identities();
      const now = clock.now();
      if (held === undefined || !(await stillGood(held, entries, { bundles, revoked, now }))) {
        held = await issueSvids(entries, issuer, { bundles, now });
        for (const { entry, notAfter } of held.svids) tellIssued('x509', entry.id.uri, notAfter);
      }
      send(x509Message(held, bundles));
      return held.renewAt;
    },
    async FetchX509Bundles(send) {
      await identities();
      send(
        writeX509BundlesResponse({ crl: bundles.crl(), bundles: byId(bundles.x509(), (each) => Buffer.concat(each)) }),
      );
      return undefined;
    },
    async FetchJWTBundles(send) {
      await identities();
      send(writeJwtBundlesResponse(byId(bundles.jwt(), (jwks) => jwks)));
      return undefined;
    },
  };

  const CALLS: Readonly<Record<UnaryMethod, (request: Uint8Array) => Promise<Uint8Array>>> = {
    async FetchJWTSVID(request) {
      const { audiences: asked, spiffeId } = readJwtSvidRequest(request);
      const audiences = checkAudiences(asked);
      const entitled = (await identities()).filter(({ id }) => spiffeId === '' || id.uri === spiffeId);
      if (entitled.length === 0)
        throw new Refusal('PERMISSION_DENIED', 'the workload is not entitled to that SPIFFE ID');
      const now = clock.now();
      const svids = entitled.map(async ({ id, jwtTtlMs, hint }) => {
        const token = await signJwtSvid({ id, audiences, ttlMs: jwtTtlMs }, keys, now);
        tellIssued('jwt', id.uri, now + jwtTtlMs, audiences);
        return { spiffeId: id.uri, token, hint };
      });
      return writeJwtSvidResponse(await Promise.all(svids));
    },
    async ValidateJWTSVID(request) {
      const { audience, token } = readValidateJwtSvidRequest(request);
      checkAudiences([audience]);
      await identities();
      const { subject, claims } = await svidVerifier(bundles, audience, clock).verify(token);
      return writeValidateJwtSvidResponse(subject, writeStruct(claims));
    },
  };

  return {
    subscribe: (method, { send, refuse }) =>
      subscription({
        answer: () => ANSWERS[method](send),
        onRefused: (refusal) => {
          tellRefusal(method, refusal);
          refuse(refusal);
        },
        onRetry: (refusal) => tellRefusal(method, refusal),
        changes: [(told) => bundles.subscribe(told), (told) => revoked.subscribe(told), deps.entriesChanged],
        clock,
        schedule,
      }),
    async call(method, request) {
      try {
        return await CALLS[method](request);
      } catch (error) {
        const refusal = ofRequest(error);
        tellRefusal(method, refusal);
        throw refusal;
      }
    },
  };
}

const MAX_JWT_SVID_SECONDS = 86_400;

function svidVerifier(bundles: TrustBundles, audience: string, clock: Clock): TokenVerifier {
  const trustDomains = Array.from(bundles.jwt(), ([trustDomain, jwks]) => {
    return { trustDomain, audiences: [audience], keys: createPushedJwks(jwks) };
  });
  return createTokenVerifier({ issuers: [], trustDomains, clock, maxLifetimeSeconds: MAX_JWT_SVID_SECONDS });
}

/** What a caller wrote may be at fault, too. */
function ofRequest(error: unknown): Refusal {
  const isTheirs = error instanceof Problem && error.row.source === 'downstream';
  if (error instanceof WireError || isTheirs) {
    return new Refusal('INVALID_ARGUMENT', error.message, { cause: error });
  }
  return asRefusal(error);
}

function byId<T, U>(bundles: ReadonlyMap<string, T>, change: (value: T) => U): ReadonlyMap<string, U> {
  return new Map(Array.from(bundles, ([trustDomain, value]) => [`spiffe://${trustDomain}`, change(value)]));
}
