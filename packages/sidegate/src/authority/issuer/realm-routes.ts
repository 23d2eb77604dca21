/** Where the endpoints of each realm are: the paths of Keycloak, and those of RFC 8414. */
import type { InboundRequest } from '../../net/listener.ts';
import { answerEvents, type EventsEndpoint } from '../events/events-endpoint.ts';
import { StoreUnavailable } from '../store/database.ts';
import { type AdministrationEndpoint, answerAdministration } from './administration-endpoint.ts';
import { type Answer, errorAnswer } from './answer.ts';
import { type EndpointRequest, readEndpointRequest } from './endpoint-request.ts';
import { answerIntrospection } from './introspection-endpoint.ts';
import { answerJwks } from './jwks-endpoint.ts';
import { answerMetadata } from './metadata-endpoint.ts';
import { OAuthError } from './oauth-error.ts';
import type { PeerCertificate } from './peer-certificate.ts';
import { answerRevocation } from './revocation-endpoint.ts';
import type { Route, Routes } from './serve.ts';
import { type ClientCertificates, peerOf } from './shown-certificate.ts';
import { answerTokenRequest, type TokenEndpoint } from './token-endpoint.ts';

export interface RealmEndpoints extends AdministrationEndpoint {
  readonly token: TokenEndpoint;
  readonly listeners: EventsEndpoint['limits'];
  readonly certificates: ClientCertificates;
}

/** @param endpoints by realm name */
export function realmRoutes(endpoints: ReadonlyMap<string, RealmEndpoints>): Routes {
  return (path) => {
    const [, name = '', rest = ''] = /^\/realms\/([^/]+)(\/.+)$/.exec(path) ?? [];
    const endpoint = endpoints.get(name);
    switch (rest) {
      case '/protocol/openid-connect/token':
        return endpoint && form(endpoint, (request) => answerTokenRequest(request, endpoint.token));
      case '/protocol/openid-connect/token/introspect':
        return endpoint && form(endpoint, (request) => answerIntrospection(request, endpoint));
      case '/protocol/openid-connect/revoke':
        return endpoint && form(endpoint, (request) => answerRevocation(request, endpoint));
      case '/revocations':
        return endpoint && form(endpoint, (request) => answerAdministration('revoke', request, endpoint));
      case '/revocations/lift':
        return endpoint && form(endpoint, (request) => answerAdministration('lift', request, endpoint));
      case '/events':
        return endpoint && eventsRoute(endpoint);
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

function form({ certificates }: RealmEndpoints, answer: (request: EndpointRequest) => Promise<Answer>): Route {
  return {
    methods: ['POST'],
    answer: (request) => withPeer(request, certificates, (peer) => answer(readEndpointRequest(request, peer))),
  };
}

function eventsRoute({ events, clock, certificates, listeners: limits }: RealmEndpoints): Route {
  return {
    methods: ['GET'],
    answer: (request) =>
      withPeer(request, certificates, async (peer) =>
        answerEvents(
          { peer, lastEventId: request.fields.single('last-event-id') },
          { events, now: () => clock.now(), limits },
        ),
      ),
  };
}

/** Without the store nobody can say whose certificate it is. */
async function withPeer<Answered>(
  { socket }: InboundRequest,
  certificates: ClientCertificates,
  answer: (peer: PeerCertificate | undefined) => Promise<Answered>,
): Promise<Answered | Answer> {
  let peer: PeerCertificate | undefined;
  try {
    peer = await peerOf(socket, certificates);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return errorAnswer(new OAuthError('temporarily_unavailable', 'certificates cannot be looked up', { status: 503 }));
  }
  return answer(peer);
}

function metadata({ realm, keys }: RealmEndpoints): Route {
  return { methods: ['GET', 'HEAD'], answer: () => answerMetadata(realm, keys) };
}
