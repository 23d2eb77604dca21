/** HAProxy: the whole job in C, every token's signature verified anew. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { PEER_CORE } from '../cores.ts';
import type { BenchFiles } from '../files.ts';
import { freePort, type Peer, startPeer } from '../peer.ts';

export async function startHaproxy(files: BenchFiles, origin: number): Promise<Peer> {
  const port = await freePort();
  const file = path.join(files.directory, 'haproxy.cfg');
  writeFileSync(
    file,
    `
global
  nbthread 1
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client 300s
  timeout server 300s
frontend orders
  bind 127.0.0.1:${port} ssl crt ${files.serverPem} ca-file ${files.ca} verify required
  http-request deny deny_status 403 unless { ssl_c_s_dn(cn) -m str api-gateway-client }
  http-request set-var(txn.token) http_auth_bearer
  http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
  acl rs256 var(txn.alg) -m str RS256
  acl es256 var(txn.alg) -m str ES256
  http-request deny deny_status 401 unless rs256 or es256
  http-request deny deny_status 401 if rs256 !{ var(txn.token),jwt_verify(txn.alg,"${files.publicKeys.RS256}") 1 }
  http-request deny deny_status 401 if es256 !{ var(txn.token),jwt_verify(txn.alg,"${files.publicKeys.ES256}") 1 }
  http-request set-var(txn.exp) var(txn.token),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.token),jwt_payload_query('$.iss') -m str ${files.issuer} }
  http-request deny deny_status 401 unless { var(txn.token),jwt_payload_query('$.aud') -m str order-service }
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request deny deny_status 403 unless { var(txn.token),jwt_payload_query('$.azp') -m str web-app }
  http-request deny deny_status 403 unless { method GET POST } { path_beg /orders }
  http-request set-var(txn.sub) var(txn.token),jwt_payload_query('$.sub')
  http-request del-header X-User-ID
  http-request set-header X-User-ID %[var(txn.sub)]
  http-request del-header Authorization
  default_backend origin
backend origin
  server origin 127.0.0.1:${origin} pool-max-conn 256
`,
  );
  const job = 'mutual TLS, jwt_verify, claims, ACLs, headers';
  return startPeer({ name: 'haproxy', job, port, core: PEER_CORE, command: 'haproxy', args: ['-f', file] });
}
