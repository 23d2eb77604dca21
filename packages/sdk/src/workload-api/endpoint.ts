/** Where a Workload API listens (SPIFFE Workload Endpoint section 4). */
import { isIP } from 'node:net';

/**
 * The address as gRPC wants it: `unix:///run/spire/agent.sock` or `unix:/run/spire/agent.sock`, or `tcp://` with an IP
 * address and a port; as platforms write it into the variable `SPIFFE_ENDPOINT_SOCKET`.
 *
 * @throws RangeError that says what is wrong
 */
export function endpointTarget(endpoint: string): string {
  const unix = /^unix:(?:\/\/)?(\/(?!\/)[^?#%\0]+)$/.exec(endpoint)?.[1];
  if (unix !== undefined) return `unix:${unix}`;
  const [, bracketed, plain, port] = /^tcp:\/\/(?:\[([^\]]+)\]|([^:/?#[\]@]+)):([0-9]{1,5})$/.exec(endpoint) ?? [];
  const host = bracketed ?? plain ?? '';
  const family = isIP(host);
  if (family === (bracketed === undefined ? 4 : 6) && Number(port) > 0 && Number(port) <= 65_535) {
    return family === 6 ? `ipv6:[${host}]:${port}` : `ipv4:${host}:${port}`;
  }
  throw new RangeError('the endpoint is neither unix:///absolute/path nor tcp://address:port with an IP address');
}
