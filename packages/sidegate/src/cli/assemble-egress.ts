/** Config → the egress pipeline: routes, targets, and a credential for each. */
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { createEgress } from '../egress/egress.ts';
import type { EgressTarget } from '../egress/match-route.ts';
import { DEFAULT_TARGET_LIMITS } from '../net/request-target.ts';
import type { Pipeline } from '../proxy/serve.ts';
import { assembleCredential } from './assemble-credential.ts';
import type { Meters } from './assemble-metrics.ts';
import { assembleSharedTokens } from './assemble-shared-tokens.ts';
import { assembleTransactions } from './assemble-tokens.ts';
import type { AssembledTarget } from './assemble-upstreams.ts';
import type { Assembly } from './assembly.ts';

export function assembleEgress(
  config: SidecarConfig,
  targets: ReadonlyMap<string, AssembledTarget>,
  assembly: Assembly,
  meters: Meters | undefined,
): Pipeline {
  const { egress } = config;
  const transactions = assembleTransactions(config, assembly, meters)?.verifier;
  const verifyTransaction = transactions && ((text: string) => transactions.verify(text));
  const share = assembleSharedTokens(egress.token_store, assembly);
  const refreshed = (name: string) => (failed: boolean) => meters?.credentialRefreshed(name, failed);
  const assembled = new Map(
    [...targets].map(([name, target]): [string, EgressTarget] => [
      name,
      {
        name,
        upstream: target.upstream,
        verifyTransaction: target.config.forward_transaction_token ? verifyTransaction : undefined,
        credential: assembleCredential(
          target,
          { share, store: egress.token_store, onRefresh: refreshed(name) },
          assembly,
        ),
      },
    ]),
  );
  const routes = egress.routes.flatMap((route) => {
    const target = assembled.get(route.target);
    return target === undefined ? [] : [{ ...routeRule(route), target }];
  });
  return createEgress({ limits: DEFAULT_TARGET_LIMITS, routes });
}

function routeRule(route: SidecarConfig['egress']['routes'][number]) {
  return {
    pathPrefix: route.path_prefix,
    ...(route.methods === undefined ? {} : { methods: route.methods }),
    ...(route.strip_prefix === undefined ? {} : { stripPrefix: route.strip_prefix }),
    ...(route.rewrite_prefix === undefined ? {} : { rewritePrefix: route.rewrite_prefix }),
  };
}
