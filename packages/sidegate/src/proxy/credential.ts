/** What a service wants to see from us: one `auth.type` of a target each; a file of that name in `egress/credentials/` makes it. */

import type { InboundRequest } from '../net/listener.ts';
import type { ResponseHead } from '../net/response-parser.ts';
import type { Exchange } from './exchange.ts';
import type { Again, OutgoingHeaders, Renew } from './forward.ts';
import type { SetField } from './headers.ts';
import type { Permit } from './permit.ts';

export type CredentialFields = readonly SetField[];

/** The request that leaves. */
export interface OutgoingCall {
  readonly permit: Permit;
  readonly exchange: Exchange;
  /**
   * The token of whoever called, for a credential that is made of it.
   *
   * @throws Problem `token_*`, at once or as a rejection: there is none, or it is not good
   */
  readonly subjectToken: () => string | Promise<string>;
}

export interface Credential {
  /**
   * @returns header fields to set; nothing is forwarded until they are there
   * @throws Problem `idp_bad_response`, `idp_unavailable`, or what {@link OutgoingCall.subjectToken} throws
   */
  fields(call: OutgoingCall): CredentialFields | Promise<CredentialFields>;
  /**
   * Told of each answer: a server may ask for something in the next proof, or refuse the token.
   *
   * @returns whether other {@link fields} might be answered otherwise
   */
  readonly answered?: ((head: ResponseHead, call: OutgoingCall) => boolean) | undefined;
  /**
   * Fetches what calls need before there is one; undefined: nothing.
   *
   * @throws Problem as {@link fields}, as a rejection
   */
  readonly prepare?: () => Promise<void>;
  /** Its {@link fields} are good for one attempt, however often a request is repeated. */
  readonly perAttempt?: boolean;
  close(): void;
}

/**
 * For `forward`: the request once more where a credential knows better now, if nothing of it is gone.
 *
 * @param shape the header fields with those of the credential
 */
export function tryingAgain(
  credential: Credential,
  request: InboundRequest,
  { call, shape }: { readonly call: OutgoingCall; readonly shape: (fields: CredentialFields) => OutgoingHeaders },
): ((head: ResponseHead) => Again | undefined) | undefined {
  const { answered } = credential;
  if (answered === undefined) return undefined;
  return (head) => {
    if (!answered(head, call) || request.body !== undefined || request.tunnel !== undefined) return undefined;
    return async () => shape(await credential.fields(call));
  };
}

/** For `forward`: the header fields of a further attempt, where those of the one before are used up. */
export function renewing(
  credential: Credential,
  { call, shape }: { readonly call: OutgoingCall; readonly shape: (fields: CredentialFields) => OutgoingHeaders },
): Renew | undefined {
  return credential.perAttempt === true ? async () => shape(await credential.fields(call)) : undefined;
}
