/** Where the endpoints of each realm are: the paths of Keycloak, and those of RFC 8414. */

import { readEndpointRequest } from './endpoint-request.ts';
import { answerJwks } from './jwks-endpoint.ts';
import { answerMetadata } from './metadata-endpoint.ts';
import type { Route, Routes } from './serve.ts';
import { answerTokenRequest, type TokenEndpoint } from './token-endpoint.ts';

/** @param endpoints by realm name */
export function realmRoutes(endpoints: ReadonlyMap<string, TokenEndpoint>): Routes {
  return (path) => {
    const [, name = '', rest = ''] = /^\/realms\/([^/]+)(\/.+)$/.exec(path) ?? [];
    const endpoint = endpoints.get(name);
    switch (rest) {
      case '/protocol/openid-connect/token':
        return endpoint && tokenRoute(endpoint);
      case '/protocol/openid-connect/certs':
        return endpoint && { methods: ['GET', 'HEAD'], answer: () => answerJwks(endpoint.keys) };
      case '/.well-known/openid-configuration':
        return endpoint && metadata(endpoint);
      default: {
        // RFC 8414 section 3.1 puts the well-known part first
        const [, issuer = ''] = /^\/\.well-known\/oauth-authorization-server\/realms\/([^/]+)$/.exec(path) ?? [];
        const named = endpoints.get(issuer);
        return named && metadata(named);
      }
    }
  };
}

function tokenRoute(endpoint: TokenEndpoint): Route {
  return { methods: ['POST'], answer: (request) => answerTokenRequest(readEndpointRequest(request), endpoint) };
}

function metadata({ realm, keys }: TokenEndpoint): Route {
  return { methods: ['GET', 'HEAD'], answer: () => answerMetadata(realm, keys) };
}
