/**
 * RFC 8693: a client trades a token that it received for one that it may send on. What comes of it never has more scope
 * or lifetime than what it came from, and says who acts.
 */
import { readScopes } from '@sidegate/sdk';
import { type ActorClaim, actingFor, requireMayAct } from '../actor.ts';
import { OAuthError } from '../oauth-error.ts';
import { subjectOf, verifyReceivedToken, verifyTransactionToken } from '../subject-token.ts';
import { beginTransaction, continueTransaction } from '../transaction-token.ts';
import type { Authorization, GrantRequest } from './grant.ts';

const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
export const ACCESS_TOKEN: string = `${TOKEN_TYPE}access_token`;
export const TRANSACTION_TOKEN: string = `${TOKEN_TYPE}txn_token`;
/** All of our access tokens are JWTs. */
const ACCESS_TOKENS: ReadonlySet<string> = new Set([ACCESS_TOKEN, `${TOKEN_TYPE}jwt`]);

/** A transaction token has no owner that could be asked: minutes, however long the tokens of its client live. */
const MAX_TRANSACTION_SECONDS = 300;

export async function tokenExchange(request: GrantRequest): Promise<Authorization> {
  const { realm, client, form } = request;
  const requestedType = form.get('requested_token_type') ?? ACCESS_TOKEN;
  const forTransaction = requestedType === TRANSACTION_TOKEN && realm.trustDomain !== undefined;
  if (!forTransaction && !ACCESS_TOKENS.has(requestedType)) {
    throw new OAuthError('invalid_request', 'requested_token_type is not offered here');
  }
  if (!(forTransaction ? client.transactions : client.tokenExchange)) {
    throw new OAuthError('unauthorized_client', 'this client may not exchange tokens for such a token');
  }
  const token = form.get('subject_token');
  const type = form.get('subject_token_type');
  if (token === undefined || type === undefined) {
    throw new OAuthError('invalid_request', 'subject_token and subject_token_type are required');
  }
  if (forTransaction && type === TRANSACTION_TOKEN) return await replaced(token, request);
  if (!ACCESS_TOKENS.has(type)) throw new OAuthError('invalid_request', 'subject_token_type is not accepted here');
  return await exchanged(token, request, forTransaction);
}

async function exchanged(token: string, request: GrantRequest, forTransaction: boolean): Promise<Authorization> {
  const { realm, client, form, newTokenId, clock } = request;
  const received = await verifyReceivedToken(token, request);
  const actor = (await presentedActor(request)) ?? {
    sub: client.serviceAccount?.id ?? client.id,
    client_id: client.id,
  };
  requireMayAct(received.claims, actor);
  const latest = forTransaction ? clock.now() / 1000 + MAX_TRANSACTION_SECONDS : Number.POSITIVE_INFINITY;
  return {
    subject: subjectOf(received, realm),
    limits: { scopes: new Set(received.scopes), expiresAt: Math.min(received.expiresAt, latest) },
    actor: actingFor(actor, received.claims['act'], received.issuer === realm.issuer ? undefined : received.issuer),
    transaction: forTransaction ? beginTransaction(client, form, newTokenId()) : undefined,
    exchanged: true,
  };
}

/** The transaction stays the same, and so does its subject. */
async function replaced(token: string, request: GrantRequest): Promise<Authorization> {
  const { client, form } = request;
  if (form.has('actor_token')) throw new OAuthError('invalid_request', 'a transaction has no other actor');
  const claims = await verifyTransactionToken(token, request);
  const { sub, scope, exp } = claims;
  if (typeof sub !== 'string' || typeof exp !== 'number') {
    throw new OAuthError('invalid_request', 'the transaction token has no subject');
  }
  return {
    subject: { id: sub, username: undefined, email: undefined, name: undefined, realmRoles: [], clientRoles: {} },
    limits: { scopes: new Set(readScopes(scope)), expiresAt: exp },
    transaction: continueTransaction(client, form, claims),
    exchanged: true,
  };
}

/** RFC 8693 section 2.1: type and token come together. */
async function presentedActor(request: GrantRequest): Promise<ActorClaim | undefined> {
  const token = request.form.get('actor_token');
  const type = request.form.get('actor_token_type');
  if ((token === undefined) !== (type === undefined)) {
    throw new OAuthError('invalid_request', 'actor_token and actor_token_type belong together');
  }
  if (token === undefined) return undefined;
  if (!ACCESS_TOKENS.has(type ?? '')) throw new OAuthError('invalid_request', 'actor_token_type is not accepted here');
  const actor = await verifyReceivedToken(token, request);
  if (actor.claims['act'] !== undefined) throw new OAuthError('invalid_request', 'the actor acts for somebody itself');
  return {
    sub: actor.subject,
    ...(actor.issuer === request.realm.issuer ? {} : { iss: actor.issuer }),
    ...(actor.clientId === undefined ? {} : { client_id: actor.clientId }),
  };
}
