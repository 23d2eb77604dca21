/** The real Envoy: mutual TLS in front, an app behind, and an authorization service that it asks before each request. */
import type { TestCertificate } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { envoyBinary } from './envoy-binary.ts';
import { type Folder, makeFolder } from './foreign-program.ts';
import { startServer } from './started-program.ts';

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

export async function startEnvoy(options: EnvoyOptions): Promise<EnvoyProxy> {
  const folder = makeFolder();
  const port = await freePort();
  const file = folder.file('envoy.json', JSON.stringify(bootstrap(port, options, folder)));
  const settings = ['--concurrency', '1', '--log-level', 'error', '--disable-hot-restart'];
  const running = await startServer({
    name: 'Envoy',
    command: envoyBinary() ?? 'envoy',
    args: ['-c', file, ...settings],
    port,
    folder,
  });
  return { port, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
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
