/** As callers address this service: what a proof for a request is compared with, since no header of the caller says it. */
import { excerpt } from '../x509/excerpt.ts';
import type { ReceivedRequest } from './received-request.ts';
import { splitTarget } from './request-path.ts';

/** The URIs by which a request may have been meant: each origin, and the path as received. */
export type OwnUris = (request: ReceivedRequest) => readonly string[];

/**
 * @param origins such as `https://orders.example.com`
 * @throws RangeError when there is none, or one is more than scheme, host and port
 */
export function ownUris(origins: readonly string[]): OwnUris {
  if (origins.length === 0) {
    throw new RangeError('origins: the names of this service are needed, or proofs for others would do');
  }
  const normal = origins.map((text) => {
    const url = URL.parse(text);
    if (url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
    throw new RangeError(`origins: ${excerpt(text)} is not scheme, host and port, such as https://orders.example.com`);
  });
  return (request) => {
    const { path } = splitTarget(request);
    return normal.map((origin) => `${origin}${path}`);
  };
}
