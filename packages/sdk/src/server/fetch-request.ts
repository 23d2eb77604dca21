/** A request of the Fetch standard as verifiers see it: without a connection there is no certificate and no address. */
import { Problem } from '../problem.ts';
import type { ReceivedRequest } from './received-request.ts';

const MAX_BODY_BYTES = 1024 * 1024;

export function fetchRequest(request: Request): ReceivedRequest {
  const { pathname, search } = new URL(request.url);
  return {
    method: request.method,
    target: `${pathname}${search}`,
    // Repeated fields are one here, joined by commas, which no credential has.
    values: (name) => [request.headers.get(name)].filter((value) => value !== null),
    clientCertificate: undefined,
    remoteAddress: undefined,
    async body() {
      const body = new Uint8Array(await request.clone().arrayBuffer());
      if (body.length <= MAX_BODY_BYTES) return body;
      throw new Problem('body_too_large', `more than ${MAX_BODY_BYTES} bytes`);
    },
  };
}
