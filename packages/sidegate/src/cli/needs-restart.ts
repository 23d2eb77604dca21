/** What belongs to the sockets that listen, and so cannot change while they do. */
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { StartFinding } from './start-finding.ts';

const FIXED: Readonly<Record<string, (config: SidecarConfig) => unknown>> = {
  'http.addr': ({ http }) => http.addr,
  'http.read_timeout': ({ http }) => http.read_timeout,
  'http.write_timeout': ({ http }) => http.write_timeout,
  'http.idle_timeout': ({ http }) => http.idle_timeout,
  'http.max_header_bytes': ({ http }) => http.max_header_bytes,
  'http.tls.enabled': ({ http }) => http.tls.enabled,
  'http.tls.client_auth': ({ http }) => http.tls.client_auth,
  admin: ({ admin }) => admin,
  authority: ({ authority }) => authority,
  'observability.metrics': ({ observability }) => observability.metrics,
  server: ({ server }) => server,
  'proxy.enabled': ({ proxy }) => proxy.enabled,
  'egress.enabled': ({ egress }) => egress.enabled,
  'egress.addr': ({ egress }) => egress.addr,
};

export function needsRestart(before: SidecarConfig, after: SidecarConfig): StartFinding[] {
  return Object.entries(FIXED).flatMap(([file, read]) => {
    if (JSON.stringify(read(before)) === JSON.stringify(read(after))) return [];
    return [{ file, severity: 'error', message: 'cannot change while the sidecar runs', hint: 'restart it' }];
  });
}
