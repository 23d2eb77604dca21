/** `server.grpc` → who decides for Envoy, if anybody. Its library is loaded only then. */

import type { JudgeQuestionOptions } from '../admin/judge-question.ts';
import { isLoopback } from '../config/address.ts';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { ExtAuthzServer } from '../ext-authz/server.ts';
import type { AssemblyPorts } from './assembly.ts';
import { missingPackages } from './missing-packages.ts';
import { StartRefused } from './start-finding.ts';

const PACKAGES = ['@grpc/grpc-js', '@bufbuild/protobuf'];

/** @throws StartRefused without the packages that it needs, Error when the address cannot be listened on */
export async function startExtAuthz(
  { server: { grpc } }: SidecarConfig,
  options: JudgeQuestionOptions,
  { logger }: AssemblyPorts,
): Promise<ExtAuthzServer | undefined> {
  if (!grpc.enabled) return undefined;
  const missing = missingPackages('server.grpc', PACKAGES);
  if (missing !== undefined) throw new StartRefused([missing]);
  const { addr, remote_reason: reason } = grpc;
  if (addr.host === undefined || !isLoopback(addr.host)) {
    logger.warn({ reason }, 'the authorization service is open to other machines');
  }
  const { serveExtAuthz } = await import('../ext-authz/server.ts');
  return serveExtAuthz({ host: addr.host ?? '::', port: addr.port }, options);
}
