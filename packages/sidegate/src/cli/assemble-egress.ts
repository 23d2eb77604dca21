/** Config → the egress pipeline: routes, targets, and a credential for each. */
import { X509Certificate } from 'node:crypto';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { createEgress } from '../egress/egress.ts';
import type { EgressTarget } from '../egress/match-route.ts';
import { createSuccession } from '../egress/succession.ts';
import { DEFAULT_TARGET_LIMITS } from '../net/request-target.ts';
import type { Credential } from '../proxy/credential.ts';
import type { Pipeline } from '../proxy/serve.ts';
import { assembleCredential } from './assemble-credential.ts';
import type { Meters } from './assemble-metrics.ts';
import { assembleSharedTokens } from './assemble-shared-tokens.ts';
import type { AssembledTokens } from './assemble-tokens.ts';
import { type AssembledTarget, assembleTarget } from './assemble-upstreams.ts';
import type { Assembly } from './assembly.ts';

interface EgressParts {
  readonly targets: ReadonlyMap<string, AssembledTarget>;
  readonly credentialOf: CredentialOf;
  readonly tokens: AssembledTokens;
  /** What the configuration before calls with. */
  readonly before: CalledWith | undefined;
}

/** A target as it is called at the moment; undefined: it is not there. */
export type CalledWith = (name: string) => AssembledTarget | undefined;

export interface AssembledEgress {
  readonly pipeline: Pipeline;
  readonly calledWith: CalledWith;
}

export function assembleEgress(
  config: SidecarConfig,
  { targets, credentialOf, tokens: { tokens, transactions }, before }: EgressParts,
  assembly: Assembly,
): AssembledEgress {
  const verifyTransaction = transactions && ((text: string) => transactions.verifier.verify(text));
  const egressTarget = (name: string, target: AssembledTarget): EgressTarget => ({
    name,
    upstream: target.upstream,
    verifyTransaction: keepsTransaction(target.config) ? verifyTransaction : undefined,
    credential: credentialOf(name, target),
  });
  const assembled = new Map(
    Array.from(targets, ([name, target]) => {
      const next = egressTarget(name, target);
      const old = predecessor(target, before?.(name), { config, assembly });
      if (old === undefined) return [name, { target: () => next, calledWith: () => target }];
      const succession = createSuccession({
        before: egressTarget(name, old),
        next,
        endsAt: new X509Certificate(old.tls.cert ?? '').validToDate.getTime(),
        now: () => assembly.clock.now(),
      });
      return [name, { target: () => succession.target(), calledWith: () => (succession.isOver() ? target : old) }];
    }),
  );
  const routes = config.egress.routes.flatMap((route) => {
    const called = assembled.get(route.target);
    return called === undefined ? [] : [{ ...routeRule(route), target: called.target }];
  });
  const verifySubject = tokens && ((text: string) => tokens.verifier.verify(text));
  return {
    pipeline: createEgress({ limits: DEFAULT_TARGET_LIMITS, routes, verifySubject }),
    calledWith: (name) => assembled.get(name)?.calledWith(),
  };
}

/** The same target with the pair that was shown so far, where its tokens are bound to that; whom it trusts is what counts now. */
function predecessor(
  target: AssembledTarget,
  before: AssembledTarget | undefined,
  surroundings: { readonly config: SidecarConfig; readonly assembly: Assembly },
): AssembledTarget | undefined {
  const { cert, key } = before?.tls ?? {};
  if (target.config.auth.type !== 'oauth2_client_credentials' || target.tls.cert === undefined) return undefined;
  if (cert === undefined || key === undefined || cert === target.tls.cert) return undefined;
  if (JSON.stringify(before?.config) !== JSON.stringify(target.config)) return undefined;
  return assembleTarget(target.config, { ...target.tls, cert, key }, surroundings);
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
