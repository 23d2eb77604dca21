/**
 * The header `Txn-Token` of a request (draft-ietf-oauth-transaction-tokens): verified, or the request is refused. It is passed on as it was
 * received and never made anew; where nobody verifies it, it is removed like everything else that looks like identity.
 */
import { asProblem, Problem, type VerifiedToken } from '@sidegate/sdk';
import type { Fields } from '../net/fields.ts';
import type { Exchange } from './exchange.ts';
import { type SetField, setField } from './headers.ts';

export const TRANSACTION_HEADER = 'Txn-Token';
export const LOWER_TRANSACTION_HEADER = 'txn-token';

export type VerifyTransaction = (text: string) => VerifiedToken | Promise<VerifiedToken>;

/**
 * Learns the transaction that a request is part of; at once while the keys are there.
 *
 * @param verify undefined: no transaction token is taken
 * @throws Problem `duplicate_header`, `transaction_token_invalid`, `jwks_unavailable`, at once or as a rejection
 */
export function learnTransaction(
  exchange: Exchange,
  fields: Fields,
  verify: VerifyTransaction | undefined,
): Promise<void> | undefined {
  if (verify === undefined || !fields.has(LOWER_TRANSACTION_HEADER)) return undefined;
  const text = fields.single(LOWER_TRANSACTION_HEADER);
  if (text === undefined) throw new Problem('duplicate_header', `${TRANSACTION_HEADER} was sent more than once`);
  const learn = (token: VerifiedToken): undefined => {
    const { txn } = token.claims;
    exchange.transaction = { id: typeof txn === 'string' ? txn : '', token, text };
  };
  try {
    const verified = verify(text);
    return verified instanceof Promise ? verified.then(learn, refuse) : learn(verified);
  } catch (error) {
    return refuse(error);
  }
}

/** For who gets the token next. */
export function transactionField(text: string): SetField {
  return setField(TRANSACTION_HEADER, text, LOWER_TRANSACTION_HEADER);
}

/** It is not the token of the Authorization header that is wrong, so nobody is asked for another one. */
function refuse(error: unknown): never {
  const problem = asProblem(error);
  if (problem.row.source !== 'downstream') throw problem;
  throw new Problem('transaction_token_invalid', `${problem.code}: ${problem.message}`, { cause: problem });
}
