/** A token whose audience is an operation of this service is for that operation alone. */
import { coversOperation, Problem, type VerifiedToken } from '@sidegate/sdk';
import type { RequestTarget } from '../net/request-target.ts';

/** @throws Problem `token_aud_mismatch` */
export function checkOperation(token: VerifiedToken | undefined, { method, path }: RequestTarget): void {
  if (token?.operations === undefined || coversOperation(token.operations, method, path)) return;
  throw new Problem('token_aud_mismatch', 'the audience of the token is another operation of this service');
}
