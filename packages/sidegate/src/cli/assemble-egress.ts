/** Config → the egress pipeline: routes, targets, and a credential for each. */
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { createEgress } from '../egress/egress.ts';
import type { EgressTarget } from '../egress/match-route.ts';
import { DEFAULT_TARGET_LIMITS } from '../net/request-target.ts';
import type { Credential } from '../proxy/credential.ts';
import type { Pipeline } from '../proxy/serve.ts';
import { assembleCredential } from './assemble-credential.ts';
import type { Meters } from './assemble-metrics.ts';
import { assembleSharedTokens } from './assemble-shared-tokens.ts';
import type { AssembledTokens } from './assemble-tokens.ts';
import type { AssembledTarget } from './assemble-upstreams.ts';
import type { Assembly } from './assembly.ts';

interface EgressParts {
  readonly targets: ReadonlyMap<string, AssembledTarget>;
  readonly credentialOf: CredentialOf;
  readonly tokens: AssembledTokens;
}

export function assembleEgress(
  { egress }: SidecarConfig,
  { targets, credentialOf, tokens: { tokens, transactions } }: EgressParts,
): Pipeline {
  const verifyTransaction = transactions && ((text: string) => transactions.verifier.verify(text));
  const assembled = new Map(
    [...targets].map(([name, target]): [string, EgressTarget] => [
      name,
      {
        name,
        upstream: target.upstream,
        verifyTransaction: keepsTransaction(target.config) ? verifyTransaction : undefined,
        credential: credentialOf(name, target),
      },
    ]),
  );
  const routes = egress.routes.flatMap((route) => {
    const target = assembled.get(route.target);
    return target === undefined ? [] : [{ ...routeRule(route), target }];
  });
  const verifySubject = tokens && ((text: string) => tokens.verifier.verify(text));
  return createEgress({ limits: DEFAULT_TARGET_LIMITS, routes, verifySubject });
}

function routeRule(route: SidecarConfig['egress']['routes'][number]) {
  return {
    pathPrefix: route.path_prefix,
    ...(route.methods === undefined ? {} : { methods: route.methods }),
    ...(route.strip_prefix === undefined ? {} : { stripPrefix: route.strip_prefix }),
    ...(route.rewrite_prefix === undefined ? {} : { rewritePrefix: route.rewrite_prefix }),
  };
}

/** A call that is part of a transaction stays part of it. */
function keepsTransaction({ forward_transaction_token, auth }: AssembledTarget['config']): boolean {
  return forward_transaction_token || auth.type === 'transaction_token';
}

/** For ingress routes to targets that want something made of the caller's token. */
export function routeCredentials(
  targets: ReadonlyMap<string, AssembledTarget>,
  credentialOf: CredentialOf,
): (route: SidecarConfig['proxy']['routes'][number]) => Credential | undefined {
  return ({ target: name = '' }) => {
    const target = targets.get(name);
    return target !== undefined && OF_THE_CALLER.has(target.config.auth.type) ? credentialOf(name, target) : undefined;
  };
}

/** Tokens that are made of the caller's. */
const OF_THE_CALLER: ReadonlySet<string> = new Set(['token_exchange', 'transaction_token']);

export type CredentialOf = (name: string, target: AssembledTarget) => Credential;

/** Both directions have one for each target. */
export function assembleCredentials(
  { egress: { token_store: store } }: SidecarConfig,
  assembly: Assembly,
  meters: Meters | undefined,
): CredentialOf {
  const share = assembleSharedTokens(store, assembly);
  return (name, target) => {
    const onRefresh = (failed: boolean) => meters?.credentialRefreshed(name, failed);
    return assembleCredential(target, { share, store, onRefresh }, assembly);
  };
}
