/** Config → the egress pipeline: routes, targets, and a credential for each. */
import { createTokenSource, obtainToken } from '@sidegate/sdk';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { clientCredentials } from '../egress/credentials/client-credentials.ts';
import { noCredential } from '../egress/credentials/none.ts';
import { createEgress } from '../egress/egress.ts';
import type { EgressTarget } from '../egress/match-route.ts';
import type { Credential } from '../egress/obtain-credential.ts';
import { createHttpClient } from '../net/http-client.ts';
import { DEFAULT_TARGET_LIMITS } from '../net/request-target.ts';
import type { Pipeline } from '../proxy/serve.ts';
import type { Meters } from './assemble-metrics.ts';
import type { AssembledTarget } from './assemble-upstreams.ts';
import type { Assembly } from './assembly.ts';

export function assembleEgress(
  { egress }: SidecarConfig,
  targets: ReadonlyMap<string, AssembledTarget>,
  assembly: Assembly,
  meters: Meters | undefined,
): Pipeline {
  const assembled = new Map(
    [...targets].map(([name, target]): [string, EgressTarget] => [
      name,
      { name, upstream: target.upstream, credential: assembleCredential(name, target, { ...assembly, meters }) },
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

/** The token request shows the target's client certificate, so that the token can be bound to it (RFC 8705 section 3). */
function assembleCredential(
  name: string,
  { config, tls }: AssembledTarget,
  { clock, random, logger, connectTo, closers, meters }: Assembly & { readonly meters: Meters | undefined },
): Credential {
  const { auth } = config;
  if (auth.type === 'none') return noCredential();
  const { cert, key } = tls;
  const http = createHttpClient({ connectTo, tls: cert === undefined || key === undefined ? {} : { cert, key } });
  const grant = {
    tokenUrl: auth.token_url,
    clientId: auth.client_id,
    clientSecret: auth.client_secret,
    clientAuthentication: auth.client_auth,
    scopes: auth.scopes,
    ...(auth.audience === undefined ? {} : { audience: auth.audience }),
    ...(auth.resource === undefined ? {} : { resource: auth.resource }),
  };
  const credential = clientCredentials(
    createTokenSource({
      obtain: () => obtainToken(grant, { http: http.send, clock }),
      clock,
      random,
      refreshBeforeExpirySeconds: auth.refresh_before_expiry / 1000,
      onRefresh: (failure) => {
        meters?.credentialRefreshed(name, failure !== undefined);
        if (failure !== undefined) logger.warn({ code: failure.code, reason: failure.message }, 'token request failed');
      },
    }),
  );
  closers.push(
    () => credential.close(),
    () => http.close(),
  );
  return credential;
}
