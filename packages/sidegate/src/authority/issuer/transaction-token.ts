/**
 * Transaction tokens, draft-ietf-oauth-transaction-tokens-10: for whom, why and with which details a chain of calls
 * began, unchangeable for everyone that it passes through.
 */
import { isDeepStrictEqual } from 'node:util';
import { JsonError, type JsonObject, parseStrictJson } from '@sidegate/sdk';
import { OAuthError } from './oauth-error.ts';
import { type Client, spiffeIdOf } from './realm.ts';
import type { TokenForm } from './token-form.ts';

export interface Transaction {
  /** The `txn` claim. */
  readonly id: string;
  /** Workloads that asked for a token of it, the first one first. */
  readonly workloads: readonly string[];
  /** The `tctx` claim. */
  readonly details: JsonObject;
  /** The `rctx` claim. */
  readonly context: JsonObject;
}

/** The `typ` of its header, in lower case. */
export const TRANSACTION_TOKEN_TYPE = 'txntoken+jwt';

const MAX_OBJECT_CHARACTERS = 4096;
const MAX_WORKLOADS = 4;

/** @throws OAuthError `invalid_request` */
export function beginTransaction(client: Client, form: TokenForm, id: string): Transaction {
  return {
    id,
    workloads: [workloadOf(client)],
    details: readObject(form, 'request_details'),
    context: readObject(form, 'request_context'),
  };
}

/**
 * What is already said of the transaction stays as it is; details may be added.
 *
 * @param claims of the token that is replaced, verified
 * @throws OAuthError `invalid_request`
 */
export function continueTransaction(client: Client, form: TokenForm, claims: JsonObject): Transaction {
  const { txn, req_wl: requested, tctx = {}, rctx = {} } = claims;
  if (typeof txn !== 'string' || typeof requested !== 'string') throw notOne();
  if (form.has('request_context')) {
    throw new OAuthError('invalid_request', 'the context of a transaction is told when it begins');
  }
  const known = asObject(tctx);
  const added = readObject(form, 'request_details');
  if (Object.entries(added).some(([name, value]) => name in known && !isDeepStrictEqual(known[name], value))) {
    throw new OAuthError('invalid_request', 'a detail of the transaction cannot be changed');
  }
  const workloads = [...requested.split(','), workloadOf(client)];
  if (workloads.length > MAX_WORKLOADS) {
    throw new OAuthError('invalid_request', `a transaction token is replaced at most ${MAX_WORKLOADS - 1} times`);
  }
  return { id: txn, workloads, details: { ...known, ...added }, context: asObject(rctx) };
}

export function transactionClaims({ id, workloads, details, context }: Transaction): Record<string, unknown> {
  return { txn: id, req_wl: workloads.join(','), tctx: orAbsent(details), rctx: orAbsent(context) };
}

function workloadOf(client: Client): string {
  return spiffeIdOf(client) ?? client.id;
}

function readObject(form: TokenForm, name: 'request_details' | 'request_context'): JsonObject {
  const text = form.get(name);
  if (text === undefined) return {};
  if (text.length > MAX_OBJECT_CHARACTERS) throw new OAuthError('invalid_request', `${name} is too large`);
  // a token inside could be taken out again and used
  const token = form.get('subject_token');
  if (token !== undefined && text.includes(token)) throw new OAuthError('invalid_request', `${name} holds a token`);
  try {
    return asObject(parseStrictJson(Buffer.from(text)));
  } catch (error) {
    if (error instanceof JsonError) throw new OAuthError('invalid_request', `${name} is not a JSON object`);
    throw error;
  }
}

function asObject(value: unknown): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw notOne();
}

function notOne(): OAuthError {
  return new OAuthError('invalid_request', 'what describes the transaction is not a JSON object');
}

function orAbsent(value: JsonObject): JsonObject | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}
