/** Several ways of proving who calls, beside each other: all of them, or the first that the caller uses. */

import { Problem, type ProblemCode } from '../problem.ts';
import { type ClientBinding, mayPresent } from '../x509/identities.ts';
import type { Authenticator } from './authenticator.ts';
import { bothLimits } from './limits.ts';
import type { Principal } from './principal.ts';
import type { ReceivedRequest } from './received-request.ts';
import { after, orElse } from './settled.ts';

const NO_PROOF: ReadonlySet<ProblemCode> = new Set(['token_missing', 'client_certificate_missing']);

/**
 * Every proof must be there and hold, and all of them must speak of the same service. A certificate may also pass on the
 * token of another client where the table of identities says so: then the token says who the user is.
 *
 * @example
 * ```ts
 * import { allOf, bearer, mutualTls } from '@sidegate/sdk/server';
 *
 * const both = allOf(
 *   mutualTls({ allowedClients: ['CN=order-service,O=Acme'] }),
 *   bearer({ issuers: ['https://idp.example.com/realms/services'], audience: 'payment-service' }),
 * );
 * ```
 */
export function allOf(first: Authenticator, ...others: readonly Authenticator[]): Authenticator {
  return {
    authenticate(request) {
      let result = first.authenticate(request);
      for (const other of others) {
        result = after(result, (one) => after(other.authenticate(request), (two) => agreed(one, two)));
      }
      return result;
    },
    proofChallenge: challengeOf([first, ...others]),
    close: () => closeAll([first, ...others]),
  };
}

/**
 * The first of which the request has a proof decides; one that does not hold is never made up for by another.
 *
 * @example
 * ```ts
 * import { anyOf, bearer, mutualTls } from '@sidegate/sdk/server';
 *
 * const either = anyOf(
 *   bearer({ issuers: ['https://idp.example.com/realms/services'], audience: 'payment-service' }),
 *   mutualTls({ allowedClients: ['CN=order-service,O=Acme'] }),
 * );
 * ```
 */
export function anyOf(first: Authenticator, ...others: readonly Authenticator[]): Authenticator {
  const all = [first, ...others];
  const attempt = (request: ReceivedRequest, index: number, missing?: Problem): Principal | Promise<Principal> =>
    orElse<Principal>(
      () => (all[index] ?? first).authenticate(request),
      (error) => {
        if (!(error instanceof Problem) || !NO_PROOF.has(error.code)) throw error;
        if (index + 1 === all.length) throw missing ?? error;
        return attempt(request, index + 1, missing ?? error);
      },
    );
  return {
    authenticate: (request) => attempt(request, 0),
    proofChallenge: challengeOf(all),
    close: () => closeAll(all),
  };
}

function challengeOf(authenticators: readonly Authenticator[]): Authenticator['proofChallenge'] {
  return authenticators.find(({ proofChallenge }) => proofChallenge !== undefined)?.proofChallenge;
}

function closeAll(authenticators: readonly Authenticator[]): void {
  for (const authenticator of authenticators) authenticator.close();
}

/** @throws Problem `identity_token_mismatch` */
function agreed(one: Principal, two: Principal): Principal {
  const [shown, other] = two.certificate === undefined ? [one, two] : [two, one];
  const binding = shown.certificate?.binding;
  const speaker = binding === undefined ? samePrincipal(one, two) : ofBoundToken(binding, shown, other);
  return Object.freeze({
    proofs: [...one.proofs, ...two.proofs],
    ...speaker,
    scopes: [...new Set([...one.scopes, ...two.scopes])],
    claims: other.claims ?? shown.claims,
    limits: bothLimits(one.limits, two.limits),
    certificate: shown.certificate,
  });
}

type Speaker = Pick<Principal, 'service' | 'user' | 'roles'>;

function samePrincipal(one: Principal, two: Principal): Speaker {
  if (one.service === undefined || !sameService(one.service, two.service))
    throw mismatch('the proofs name two callers');
  if (one.user !== undefined && two.user !== undefined && one.user.id !== two.user.id) {
    throw mismatch('the proofs name two users');
  }
  const roles = two.claims === undefined ? one.roles : two.roles;
  return {
    service: { ...one.service, ...two.service, spiffeId: one.service.spiffeId ?? two.service?.spiffeId },
    user: one.user ?? two.user,
    roles,
  };
}

function sameService(one: NonNullable<Principal['service']>, two: Principal['service']): boolean {
  if (one.spiffeId !== undefined && two?.spiffeId !== undefined) return one.spiffeId === two.spiffeId;
  return one.name === two?.name;
}

/** What a bound certificate shows beside it: its own token, or that of a client whose tokens it may pass on. */
function ofBoundToken(binding: ClientBinding, shown: Principal, other: Principal): Speaker {
  const { claims } = other;
  if (claims === undefined) return samePrincipal(shown, other);
  if (other.service?.spiffeId !== undefined) return samePrincipal(shown, other);
  const { iss, azp, client_id: client = azp ?? other.service?.name, act } = claims;
  if (typeof client !== 'string' || typeof iss !== 'string' || !mayPresent(binding, client, iss)) {
    throw mismatch(`the certificate stands for ${binding.clientId}, which may not present this token`);
  }
  if (client !== binding.clientId || act !== undefined)
    return { service: shown.service, user: other.user, roles: other.roles };
  const user = other.service === undefined ? undefined : other.user;
  return { service: shown.service, user, roles: other.roles };
}

function mismatch(reason: string): Problem {
  return new Problem('identity_token_mismatch', reason);
}
