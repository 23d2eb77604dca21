/** Who acts for the subject, and whom each acted for before (RFC 8693 section 4.1). */
import type { JsonObject, JsonValue } from '@sidegate/sdk';
import { OAuthError } from './oauth-error.ts';

export interface ActorClaim {
  readonly sub: string;
  readonly iss?: string;
  readonly client_id?: string;
  readonly act?: ActorClaim;
}

/** Longer chains tell nobody more, and every verifier reads all of them. */
const MAX_ACTORS = 4;

/**
 * The chain with this actor in front: now it acts for the subject.
 *
 * @param act of the subject token
 * @param elsewhere the issuer of the subject token when it is another one: whom it names, it names by its own names
 * @throws OAuthError `invalid_request` when the chain is too long, or not one
 */
export function actingFor(actor: ActorClaim, act: JsonValue | undefined, elsewhere: string | undefined): ActorClaim {
  const earlier = act === undefined ? undefined : readChain(act, elsewhere, MAX_ACTORS - 1);
  return earlier === undefined ? actor : { ...actor, act: earlier };
}

/**
 * RFC 8693 section 4.4: a token may say who alone may act for its subject.
 *
 * @throws OAuthError `invalid_request`
 */
export function requireMayAct({ may_act: mayAct }: JsonObject, actor: ActorClaim): void {
  if (mayAct === undefined) return;
  const named = isObject(mayAct) ? Object.entries(mayAct) : [];
  const known: Readonly<Record<string, unknown>> = { ...actor };
  if (named.length > 0 && named.every(([name, value]) => Object.hasOwn(known, name) && known[name] === value)) return;
  throw new OAuthError('invalid_request', 'the subject token names somebody else who may act');
}

function readChain(act: JsonValue, elsewhere: string | undefined, left: number): ActorClaim {
  if (left === 0) throw new OAuthError('invalid_request', `more than ${MAX_ACTORS} would act for the subject`);
  if (!isObject(act) || typeof act['sub'] !== 'string') {
    throw new OAuthError('invalid_request', 'the actors of the subject token cannot be read');
  }
  const { sub, client_id: clientId, act: earlier } = act;
  const iss = elsewhere ?? act['iss'];
  return {
    sub,
    ...(typeof iss === 'string' ? { iss } : {}),
    ...(typeof clientId === 'string' ? { client_id: clientId } : {}),
    ...(earlier === undefined ? {} : { act: readChain(earlier, elsewhere, left - 1) }),
  };
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
