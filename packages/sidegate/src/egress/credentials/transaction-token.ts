/**
 * `auth.type: transaction_token`: where a request from outside enters, its token is traded for a transaction token, once. A call that is part of a
 * transaction already stays part of it: it is never begun anew, and never with more.
 */
import type { AccessToken, TransactionRequest } from '@sidegate/sdk';
import type { Credential, CredentialFields, OutgoingCall } from '../../proxy/credential.ts';
import { transactionField } from '../../proxy/transaction-token.ts';

const MAX_PATH_CHARACTERS = 2048;

export interface TransactionSource {
  /** Begins another one for each request from outside, which says what it asks for. */
  begin(request: TransactionRequest): Promise<AccessToken>;
  /** Begins one for all calls that the local service makes for one request: they have a caller's token and a correlation id in common. */
  ofChain(subjectToken: string, correlationId: string): AccessToken | Promise<AccessToken>;
  close(): void;
}

export function transactionToken(source: TransactionSource): Credential {
  return {
    fields: (call) => {
      // Its token is on its way anyhow.
      if (call.exchange.transaction !== undefined) return [];
      const subject = call.subjectToken();
      return subject instanceof Promise ? subject.then((one) => begun(one, call)) : begun(subject, call);
    },
    close: () => source.close(),
  };

  function begun(subjectToken: string, call: OutgoingCall): CredentialFields | Promise<CredentialFields> {
    const token = transactionFor(subjectToken, call);
    return token instanceof Promise ? token.then(fieldsOf) : fieldsOf(token);
  }

  function transactionFor(subjectToken: string, { exchange }: OutgoingCall): AccessToken | Promise<AccessToken> {
    const { direction, target, correlationId } = exchange;
    // What the local service calls says nothing about what it was called for.
    if (direction === 'egress' || target === undefined) return source.ofChain(subjectToken, correlationId);
    const { method, path } = target;
    // A service refuses details without bound; without its path a request is not allowed more.
    const details = path.length <= MAX_PATH_CHARACTERS ? { method, path } : { method };
    return source.begin({ subjectToken, details, context: { correlation_id: correlationId } });
  }
}

const fieldsOf = (token: AccessToken): CredentialFields => [transactionField(token.reveal())];
