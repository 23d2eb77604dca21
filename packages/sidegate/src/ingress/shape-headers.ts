/** Stage 6: the header fields that the service gets: the caller's without anything that looks like identity, and ours. */
import type { VerifiedToken } from '@sidegate/sdk';
import { claimHeaderValue } from '../proxy/claim-header.ts';
import { CORRELATION_HEADER, LOWER_CORRELATION_HEADER } from '../proxy/correlation.ts';
import type { CredentialFields } from '../proxy/credential.ts';
import type { Exchange } from '../proxy/exchange.ts';
import type { OutgoingHeaders } from '../proxy/forward.ts';
import { type SetField, setField, shapedLines } from '../proxy/headers.ts';
import { transactionField } from '../proxy/transaction-token.ts';
import { formatTraceparent } from '../telemetry/trace-context.ts';
import type { Accepted } from './accept.ts';
import { otherCookies } from './token-cookie.ts';
import { LOWER_USER_CONTEXT_HEADER, USER_CONTEXT_HEADER } from './user-context.ts';

export interface IngressHeaders {
  /** Claim path → header name. */
  readonly claims: readonly (readonly [claim: string, header: string, lowerHeader: string])[];
  /** Forward the verified `Authorization` header. */
  readonly passToken: boolean;
  /** Lower-case name of the header that carried the token. */
  readonly tokenHeader: string;
  /** The cookie that may have carried it. */
  readonly tokenCookie: string | undefined;
  readonly preserveHost: boolean;
  /** Lower-case names to remove, and fields to set, as configured. */
  readonly remove: ReadonlySet<string>;
  readonly add: readonly SetField[];
  /** What the claims of a token are as fields. */
  readonly known: WeakMap<VerifiedToken, readonly SetField[]>;
}

export interface ShapedBy {
  readonly headers: IngressHeaders;
  /** What the upstream wants to see from us. */
  readonly credential: CredentialFields;
}

/** @throws Problem `token_claim_unsafe` */
export function shapeHeaders(
  exchange: Exchange,
  accepted: Accepted,
  { headers, credential }: ShapedBy,
): OutgoingHeaders {
  const { fields } = exchange;
  return {
    lines: shapedLines(fields, {
      stripped: isStripped(exchange, accepted, headers),
      set: credential.length === 0 ? setFields(exchange, headers) : [...setFields(exchange, headers), ...credential],
    }),
    host: headers.preserveHost ? fields.single('host') : undefined,
  };
}

/** Whether a field, by its lower-case name, does not reach the service as it was sent. */
export function isStripped(
  { token, provenKey }: Exchange,
  { endsHere }: Accepted,
  { tokenHeader, tokenCookie, passToken, remove }: IngressHeaders,
): (lowerName: string) => boolean {
  // Only what was verified passes as a credential: no other scheme, no other header, no token that nobody looked at.
  const passed = passToken && token !== undefined ? tokenHeader : undefined;
  // A proof is of no use without the token that it was made for.
  const proofPasses = passed !== undefined && provenKey !== undefined;
  const cookieStays = tokenCookie === undefined || passed !== undefined;
  return (name) =>
    name === 'authorization' || name === tokenHeader
      ? name !== passed
      : name === 'expect' ||
        (name === 'dpop' && !proofPasses) ||
        (name === 'cookie' && !cookieStays) ||
        remove.has(name) ||
        endsHere(name);
}

/**
 * What the service gets in place of what was sent.
 *
 * @throws Problem `token_claim_unsafe`
 */
export function setFields(exchange: Exchange, headers: IngressHeaders): readonly SetField[] {
  const own = ownFields(exchange, headers);
  const { tokenCookie, passToken } = headers;
  if (tokenCookie === undefined || (passToken && exchange.token !== undefined)) return own;
  const cookies = otherCookies(exchange.fields, tokenCookie);
  return cookies === undefined ? own : [...own, setField('Cookie', cookies, 'cookie')];
}

/**
 * What the service gets from us, whatever the client sent.
 *
 * @throws Problem `token_claim_unsafe`
 */
export function ownFields(exchange: Exchange, headers: IngressHeaders): readonly SetField[] {
  const { token, userContext, transaction } = exchange;
  const set: SetField[] = token === undefined ? [] : [...claimFields(token, headers)];
  if (userContext?.verified === true) {
    set.push(setField(USER_CONTEXT_HEADER, userContext.value, LOWER_USER_CONTEXT_HEADER));
  }
  if (transaction !== undefined) set.push(transactionField(transaction.text));
  set.push(
    setField(CORRELATION_HEADER, exchange.correlationId, LOWER_CORRELATION_HEADER),
    setField('traceparent', formatTraceparent(exchange.trace), 'traceparent'),
    ...headers.add,
  );
  return set;
}

/** Worked out once for each token: it comes with many requests, and never changes. */
function claimFields(token: VerifiedToken, { claims, known }: IngressHeaders): readonly SetField[] {
  let fields = known.get(token);
  if (fields === undefined) {
    fields = claims.flatMap(([claim, header, lowerHeader]) => {
      const value = claimHeaderValue(token.claims, claim);
      return value === undefined ? [] : [setField(header, value, lowerHeader)];
    });
    known.set(token, fields);
  }
  return fields;
}
