/** Access tokens as proof of who calls: signature, issuer, audience and dates first, whose key it is bound to and who it is after. */

import { hasProofScheme, PROOF_SCHEME } from '../dpop/proof-scheme.ts';
import { readCredentials } from '../jwt/bearer.ts';
import { checkConfirmation } from '../jwt/binding.ts';
import { coversOperation } from '../jwt/operation-audience.ts';
import { cacheTokens } from '../jwt/token-cache.ts';
import { createTokenVerifier, type TokenVerifierOptions, type VerifiedToken } from '../jwt/verify.ts';
import { Problem } from '../problem.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import type { Authenticator } from './authenticator.ts';
import { type CertificateSource, connectionCertificates } from './connection-certificate.ts';
import { type DpopOptions, takeProofs } from './dpop.ts';
import type { FollowedRevocations } from './follow-revocations.ts';
import { type IssuerWithKeys, withKeys } from './issuer-keys.ts';
import type { Principal, ProofKind } from './principal.ts';
import type { ReceivedRequest } from './received-request.ts';
import { splitTarget } from './request-path.ts';
import { type RolesMapper, rolesByScope } from './roles.ts';
import { after } from './settled.ts';
import { principalOfToken } from './token-principal.ts';

export interface BearerOptions
  extends Pick<TokenVerifierOptions, 'trustDomains' | 'clockSkewSeconds' | 'maxLifetimeSeconds' | 'singleAudience'> {
  /** Whose tokens are accepted; keys of one that is given as a URL are found by discovery. */
  readonly issuers: readonly (string | IssuerWithKeys)[];
  /** This service as issuers call it; a token for `<audience>:GET:/orders/:id` is for that operation alone. */
  readonly audience: string | readonly string[];
  /** Scopes that only services are given, {@link rolesByScope}; none by default. */
  readonly systemScopes?: readonly string[];
  /** Instead of {@link rolesByScope}. */
  readonly roles?: RolesMapper;
  /** Where the certificate stands that a token may be bound to; of the connection by default. */
  readonly certificates?: CertificateSource;
  /** Takes `Authorization: DPoP` as well. Without it, as with it, a token that is bound to a key is nothing for whoever only bears it. */
  readonly dpop?: DpopOptions;
  /** Who is asked whether a token was revoked; by default nobody: a token counts until it expires. */
  readonly revocations?: FollowedRevocations;
  readonly runtime?: Runtime;
}

/**
 * Verifies `Authorization: Bearer` with the keys of the issuers, and with {@link BearerOptions.dpop} `Authorization: DPoP` and the proof beside
 * it. A token is verified once and then remembered until it ends; a proof is for one request.
 *
 * @throws RangeError when no issuer or no audience is named: such a receiver would verify nothing
 * @example
 * ```ts
 * import { bearer } from '@sidegate/sdk/server';
 *
 * const tokens = bearer({ issuers: ['https://idp.example.com/realms/services'], audience: 'payment-service' });
 * ```
 */
export function bearer(options: BearerOptions): Authenticator {
  const { systemScopes = [], roles = rolesByScope(systemScopes), runtime = systemRuntime() } = options;
  const { certificates = connectionCertificates(), dpop, clockSkewSeconds, revocations } = options;
  const proofs = dpop && takeProofs(dpop, { clock: runtime.clock, clockSkewSeconds });
  const verifier = cacheTokens(createTokenVerifier(verifierOptions(options, runtime)), runtime);
  const principals = new WeakMap<VerifiedToken, Principal>();

  const principalOf = (token: VerifiedToken, request: ReceivedRequest, provenKey: string | undefined): Principal => {
    // Each request anew: whether it was revoked, whom the token is bound to, and what it is for.
    revocations?.checkToken(token);
    if (token.confirmation !== undefined || provenKey !== undefined) {
      checkConfirmation(token, certificates(request)?.thumbprint, provenKey);
    }
    if (token.operations !== undefined) checkOperation(token.operations, request);
    let principal = principals.get(token);
    if (principal === undefined) principals.set(token, (principal = principalOfToken(token, roles, proofKind(token))));
    return principal;
  };

  return {
    authenticate(request) {
      const authorization = request.values('authorization');
      // Of several values none is read: they are refused.
      const proven = proofs !== undefined && hasProofScheme(authorization[0]) ? proofs : undefined;
      const text = readCredentials(authorization, proven && { scheme: PROOF_SCHEME });
      revocations?.requireKnown();
      return after(verifier.verify(text), (token) =>
        after(proven?.provenKey(request, text), (key) => principalOf(token, request, key)),
      );
    },
    proofChallenge: proofs?.challenge,
    close() {
      verifier.close();
      revocations?.close();
    },
  };
}

function verifierOptions(options: BearerOptions, runtime: Runtime): TokenVerifierOptions {
  const { issuers, audience, trustDomains = [], clockSkewSeconds, maxLifetimeSeconds, singleAudience } = options;
  const audiences = typeof audience === 'string' ? [audience] : audience;
  if (audiences.length === 0 || audiences.includes('')) {
    throw new RangeError('bearer: name this service in audience, or every token of the issuers would be for it');
  }
  if (issuers.length + trustDomains.length === 0) {
    throw new RangeError('bearer: name whose tokens are accepted, in issuers or trustDomains');
  }
  return {
    issuers: issuers.map((each) => {
      const known = withKeys(each, runtime);
      return { ...known, name: known.issuer, audiences };
    }),
    trustDomains,
    clock: runtime.clock,
    operationAudiences: true,
    ...(clockSkewSeconds === undefined ? {} : { clockSkewSeconds }),
    ...(maxLifetimeSeconds === undefined ? {} : { maxLifetimeSeconds }),
    ...(singleAudience === undefined ? {} : { singleAudience }),
  };
}

/** A token that is bound to a key came with its proof, and any other did not: {@link checkConfirmation} refuses the rest. */
function proofKind({ confirmation }: VerifiedToken): ProofKind {
  return confirmation?.jkt === undefined ? 'bearer' : 'dpop';
}

function checkOperation(operations: NonNullable<VerifiedToken['operations']>, request: ReceivedRequest): void {
  if (coversOperation(operations, request.method, splitTarget(request).path)) return;
  throw new Problem('token_aud_mismatch', 'the audience of the token is another operation of this service');
}
