/** One request that somebody else has received, judged by the very stages of the data path, and the record of what was decided. */
import type { X509Certificate } from 'node:crypto';
import { asProblem, type Problem, type RevocationList } from '@sidegate/sdk';
import type { IngressDeps } from '../ingress/ingress.ts';
import { judge } from '../ingress/judge.ts';
import { isStripped, setFields } from '../ingress/shape-headers.ts';
import type { RequestHead } from '../net/request-head.ts';
import type { Audit } from '../proxy/audit.ts';
import { type Exchange, type ExchangePorts, openExchange } from '../proxy/exchange.ts';
import type { SetField } from '../proxy/headers.ts';
import { presentedPeer } from './presented-certificate.ts';

export interface JudgeQuestionOptions {
  readonly deps: () => IngressDeps;
  /** Those of `http.tls.client_ca_file`. */
  readonly authorities: () => readonly X509Certificate[];
  /** Those of `http.tls.client_crl_file`; undefined: there is none. */
  readonly revocations: () => readonly RevocationList[] | undefined;
  readonly audit: () => Audit;
  readonly ports: () => ExchangePorts;
  readonly onEnded: (exchange: Exchange) => void;
  readonly onInternalError: (requestId: string, problem: Problem) => void;
}

export interface Question {
  readonly head: RequestHead;
  /** PEM of the certificate that was verified in the handshake. */
  readonly certificate: string | undefined;
}

/** Undefined members: it was refused, the exchange says why. */
export interface Judged {
  readonly exchange: Exchange;
  /** What the service is to get from us. */
  readonly set?: readonly SetField[];
  /** Whether a header of the request, by its lower-case name, must not reach the service. */
  readonly stripped?: (lowerName: string) => boolean;
}

export async function judgeQuestion({ head, certificate }: Question, options: JudgeQuestionOptions): Promise<Judged> {
  const deps = options.deps();
  const exchange = openExchange('decision', head, options.ports());
  try {
    const allowed = await judge(exchange, head, deps, {
      peer: () =>
        presentedPeer(certificate, deps.trust, {
          authorities: options.authorities(),
          revocations: options.revocations(),
        }),
      allowed: (accepted) => ({
        set: setFields(exchange, deps.headers),
        stripped: isStripped(exchange, accepted, deps.headers),
      }),
    });
    exchange.granted = true;
    exchange.status = 200;
    return { exchange, ...allowed };
  } catch (error) {
    const problem = asProblem(error);
    exchange.problem = problem;
    exchange.status = problem.row.status;
    if (problem.row.source === 'internal') options.onInternalError(exchange.requestId, problem);
    return { exchange };
  }
}

/** Resolves when every record is kept. @throws Problem `audit_unavailable`, as a rejection */
export function recorded(
  exchanges: readonly Exchange[],
  { audit, onEnded }: Pick<JudgeQuestionOptions, 'audit' | 'onEnded'>,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let waiting = exchanges.length;
  for (const exchange of exchanges) {
    audit().record(exchange, {
      kept: () => {
        onEnded(exchange);
        waiting -= 1;
        if (waiting === 0) resolve();
      },
      lost: (problem) => {
        exchange.problem = problem;
        onEnded(exchange);
        reject(problem);
      },
    });
  }
  return promise;
}
