/** A sidecar for neighbours that are proxies: mutual TLS or plain HTTP in front, one app behind, one target of its egress. */
import { createTestAuthority, type TestAuthority, type TestCertificate } from '../support/certificates.ts';
import { startTestSidecar, type TestSidecar } from '../support/sidecar.ts';

export interface Zone {
  readonly authority: TestAuthority;
  /** For whoever listens, as localhost. */
  readonly server: TestCertificate;
  /** The gateway's, which is let in. */
  readonly client: TestCertificate;
}

export interface ProxiedSidecarOptions {
  readonly zone: Zone;
  /** 0 takes any. */
  readonly port?: number;
  /** Who calls must show the gateway's certificate. */
  readonly mutualTls: boolean;
  /** What is behind the ingress. */
  readonly app: number;
  /** The egress's target, over mutual TLS. */
  readonly target: number;
}

export function createZone(): Zone {
  const authority = createTestAuthority('zone2-CA');
  return {
    authority,
    server: authority.issue({ subject: [{ CN: 'localhost' }], dns: ['localhost'], eku: ['serverAuth'] }),
    client: authority.issue({
      subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }],
      uris: ['spiffe://example.org/zone1/api-gateway'],
    }),
  };
}

export function startProxiedSidecar({
  zone,
  port = 0,
  mutualTls,
  app,
  target,
}: ProxiedSidecarOptions): Promise<TestSidecar> {
  return startTestSidecar({
    files: {
      '/certs/server.crt': zone.server.certPem,
      '/certs/server.key': zone.server.keyPem,
      '/certs/client.crt': zone.client.certPem,
      '/certs/client.key': zone.client.keyPem,
      '/certs/ca.crt': zone.authority.certPem,
    },
    yaml: `
service: { name: order-service }
http:
  addr: 127.0.0.1:${port}
${mutualTls ? TLS : ''}
proxy:
  enabled: true
  upstream: { url: "http://127.0.0.1:${app}", timeout: 30s }
  auth: { enabled: false }
  authz: { enabled: false }
${mutualTls ? '  mtls: { enabled: true, allowed_clients: ["spiffe://example.org/zone1/api-gateway"] }' : ''}
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    data:
      url: https://localhost:${target}
      timeout: 30s
      auth: { type: none }
      tls: { enabled: true, client_cert: /certs/client.crt, client_key: /certs/client.key, ca_cert: /certs/ca.crt }
  routes: [{ path_prefix: /data, target: data, strip_prefix: /data }]
`,
  });
}

const TLS = `  tls:
    enabled: true
    cert_file: /certs/server.crt
    key_file: /certs/server.key
    client_ca_file: /certs/ca.crt
    client_auth: require`;
