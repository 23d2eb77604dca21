/** Envoy's configuration: mutual TLS, jwt_authn, and whoever authorizes after it. */
import type { BenchFiles } from '../files.ts';

export interface Ports {
  readonly listener: number;
  readonly origin: number;
  /** Of a gRPC authorization service; without it, Envoy's own RBAC decides. */
  readonly authorization?: number;
}

export function envoyBootstrap(files: BenchFiles, { listener, origin, authorization }: Ports): object {
  return {
    static_resources: {
      listeners: [
        {
          address: socketAddress(listener),
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
              filters: [
                { name: 'http', typed_config: connectionManager(files, authorization === undefined ? RBAC : EXTERNAL) },
              ],
            },
          ],
        },
      ],
      clusters: [cluster('origin', origin), ...(authorization === undefined ? [] : [grpcCluster(authorization)])],
    },
  };
}

function cluster(name: string, port: number): object {
  return {
    name,
    type: 'STATIC',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(port) } }] }],
    },
  };
}

function grpcCluster(port: number): object {
  const options = typed('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', {
    explicit_http_config: { http2_protocol_options: {} },
  });
  return {
    ...cluster('authorization', port),
    typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options },
  };
}

function connectionManager(files: BenchFiles, authorization: object): object {
  return typed('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'orders',
    http_filters: [
      { name: 'jwt', typed_config: jwtAuthentication(files) },
      { name: 'authorization', typed_config: authorization },
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

const RBAC = typed('envoy.extensions.filters.http.rbac.v3.RBAC', { rules: rules() });

/** The claims go along, as the OPA-Envoy plugin wants them. */
const EXTERNAL = typed('envoy.extensions.filters.http.ext_authz.v3.ExtAuthz', {
  transport_api_version: 'V3',
  grpc_service: { envoy_grpc: { cluster_name: 'authorization' }, timeout: '5s' },
  metadata_context_namespaces: ['envoy.filters.http.jwt_authn'],
});
