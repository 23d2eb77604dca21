/** The real Envoy: mutual TLS in front, an app behind, and an authorization service that it asks before each request. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import type { TestCertificate } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { envoyBinary } from './envoy-binary.ts';
import { type Folder, makeFolder } from './foreign-program.ts';

export interface EnvoyOptions {
  readonly server: TestCertificate;
  /** Signs the clients. */
  readonly clientCa: string;
  readonly app: number;
  readonly authorization: number;
  /** Whether Envoy lets pass what its authorization service does not answer. */
  readonly failureModeAllow?: boolean;
}

export interface EnvoyProxy extends AsyncDisposable {
  readonly port: number;
}

const START_ATTEMPTS = 500;

export async function startEnvoy(options: EnvoyOptions): Promise<EnvoyProxy> {
  const folder = makeFolder();
  const port = await freePort();
  const file = folder.file('envoy.json', JSON.stringify(bootstrap(port, options, folder)));
  const settings = ['--concurrency', '1', '--log-level', 'error', '--disable-hot-restart'];
  const child = spawn(envoyBinary() ?? 'envoy', ['-c', file, ...settings], { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-2_000)));
  const dispose = async (): Promise<void> => {
    await ended(child);
    folder[Symbol.dispose]();
  };
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    if (await listens(port)) return { port, [Symbol.asyncDispose]: dispose };
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await dispose();
  throw new Error(`Envoy does not start: ${complaints}`);
}

function bootstrap(port: number, options: EnvoyOptions, folder: Folder): object {
  const { cert, key } = folder.pair('server', options.server);
  const clients = folder.file('clients.pem', options.clientCa);
  const http2 = typed('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', {
    explicit_http_config: { http2_protocol_options: {} },
  });
  return {
    static_resources: {
      listeners: [
        {
          address: address(port),
          filter_chains: [
            {
              transport_socket: {
                name: 'tls',
                typed_config: typed('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
                  require_client_certificate: true,
                  common_tls_context: {
                    tls_certificates: [{ certificate_chain: { filename: cert }, private_key: { filename: key } }],
                    validation_context: { trusted_ca: { filename: clients } },
                  },
                }),
              },
              filters: [{ name: 'http', typed_config: connectionManager(options) }],
            },
          ],
        },
      ],
      clusters: [
        cluster('app', options.app),
        {
          ...cluster('sidegate', options.authorization),
          typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': http2 },
        },
      ],
    },
  };
}

/** As docs/ext-authz.md says. */
function connectionManager({ failureModeAllow = false }: EnvoyOptions): object {
  const authorization = typed('envoy.extensions.filters.http.ext_authz.v3.ExtAuthz', {
    transport_api_version: 'V3',
    failure_mode_allow: failureModeAllow,
    include_peer_certificate: true,
    encode_raw_headers: true,
    clear_route_cache: true,
    grpc_service: { timeout: '5s', envoy_grpc: { cluster_name: 'sidegate' } },
  });
  return typed('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'orders',
    http_filters: [
      { name: 'envoy.filters.http.ext_authz', typed_config: authorization },
      { name: 'router', typed_config: typed('envoy.extensions.filters.http.router.v3.Router', {}) },
    ],
    route_config: {
      virtual_hosts: [
        { name: 'orders', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'app' } }] },
      ],
    },
  });
}

function cluster(name: string, port: number): object {
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }];
  return { name, type: 'STATIC', load_assignment: { cluster_name: name, endpoints } };
}

function address(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function typed(type: string, value: object): object {
  return { '@type': `type.googleapis.com/${type}`, ...value };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const told = (open: boolean) => (): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', told(true)).once('error', told(false));
  });
}
