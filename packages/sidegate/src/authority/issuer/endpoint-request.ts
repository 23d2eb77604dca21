/** What an endpoint is told of a request. */
import type { InboundRequest } from '../../net/listener.ts';
import type { PeerCertificate } from './peer-certificate.ts';
import { readRequestBody } from './request-body.ts';

export interface EndpointRequest {
  readonly contentType: string | undefined;
  /** Every Authorization header of the request. */
  readonly authorization: readonly string[];
  /** Every DPoP header of the request. */
  readonly dpop: readonly string[];
  /** The request target had a query. */
  readonly hasQuery: boolean;
  /** @throws OAuthError when it is too large or does not arrive. */
  readonly readBody: () => Promise<Buffer>;
  readonly peer: PeerCertificate | undefined;
  readonly remoteAddress: string | undefined;
}

const BODY_LIMITS = { maxBytes: 64 * 1024, timeoutMs: 10_000 } as const;

export function readEndpointRequest(
  { fields, body, socket, target }: InboundRequest,
  peer: PeerCertificate | undefined,
): EndpointRequest {
  return {
    contentType: fields.single('content-type'),
    authorization: fields.all('authorization'),
    dpop: fields.all('dpop'),
    hasQuery: target.includes('?'),
    readBody: () => readRequestBody(body, BODY_LIMITS),
    peer,
    remoteAddress: socket.remoteAddress,
  };
}
