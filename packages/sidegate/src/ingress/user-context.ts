/**
 * On whose behalf: a user's token speaks for its subject; a service's own token speaks for nobody, so the user
 * is the one whom the calling service names in `X-User-Context`. Fails closed: only a peer that the identities table
 * names is believed, and only where no token of another client says who the user is.
 */
import type { VerifiedToken } from '@sidegate/sdk';
import { claimHeaderValue } from '../proxy/claim-header.ts';
import type { Exchange } from '../proxy/exchange.ts';

export const USER_CONTEXT_HEADER = 'X-User-Context';
export const LOWER_USER_CONTEXT_HEADER = 'x-user-context';

const NOT_BELIEVED = { value: '', verified: false };
const USABLE = /^[\x21-\x7e]{1,256}$/;

/**
 * A transaction token says for whom the whole chain of calls is made, so it comes before what the calling service says.
 *
 * @throws Problem `token_claim_unsafe` when no header can carry the subject
 */
export function learnUserContext(exchange: Exchange): void {
  const { token, peer, transaction } = exchange;
  const service = peer?.binding;
  const ofUser = token !== undefined && !isOwn(token, service?.clientId);
  const spoken = ofUser ? token : transaction?.token;
  if (spoken !== undefined) {
    const speaker = speakerOf(spoken);
    exchange.user = speaker.user;
    exchange.userContext = speaker.userContext;
    return;
  }
  if (!exchange.fields.has(LOWER_USER_CONTEXT_HEADER)) return;
  const value = exchange.fields.single(LOWER_USER_CONTEXT_HEADER);
  const believed = service !== undefined && value !== undefined && USABLE.test(value);
  exchange.userContext = believed ? { value, verified: true } : NOT_BELIEVED;
}

/** Nobody was authenticated, so nobody is believed. */
export function distrustUserContext(exchange: Exchange): void {
  if (exchange.fields.has(LOWER_USER_CONTEXT_HEADER)) exchange.userContext = NOT_BELIEVED;
}

/** Whether a token speaks for the service that shows it and for nobody else: RFC 8693 section 4.1 for `act`. */
function isOwn({ spiffeId, clientId, claims }: VerifiedToken, service: string | undefined): boolean {
  // A JWT-SVID is a workload's own name, like its certificate.
  if (spiffeId !== undefined) return true;
  return service !== undefined && clientId === service && claims['act'] === undefined;
}

interface Speaker {
  readonly user: NonNullable<Exchange['user']>;
  readonly userContext: NonNullable<Exchange['userContext']>;
}

/** Worked out once for each token. */
const speakers = new WeakMap<VerifiedToken, Speaker>();

function speakerOf(token: VerifiedToken): Speaker {
  let speaker = speakers.get(token);
  if (speaker === undefined) {
    const name = token.claims['preferred_username'];
    speaker = {
      user: { sub: token.subject, name: typeof name === 'string' ? name.slice(0, 256) : undefined },
      // Policy, record and app see the one value that fits into the header.
      userContext: { value: claimHeaderValue(token.claims, 'sub') ?? '', verified: true },
    };
    speakers.set(token, speaker);
  }
  return speaker;
}
