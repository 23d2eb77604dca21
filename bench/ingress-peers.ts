/** The programs of the ingress scenario, each configured for as much of the job as it can do, one worker each. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BenchFiles } from './ingress-files.ts';
import { freePort, type Peer, startPeer } from './peer.ts';

export type StartPeer = (files: BenchFiles, origin: number) => Promise<Peer>;

const CORE = 0;

/** nginx answering with 200 bytes of JSON: the service behind all of them, on the load generator's core. */
export async function startOrigin(files: BenchFiles, core: number): Promise<Peer> {
  const port = await freePort();
  const body = JSON.stringify({
    id: '42',
    status: 'open',
    items: [{ sku: 'PROD-123', quantity: 2 }],
    note: 'n'.repeat(120),
  });
  const file = nginxFile(
    files,
    'origin',
    `
  server {
    listen 127.0.0.1:${port};
    default_type application/json;
    location / { return 200 '${body}'; }
  }`,
  );
  return startPeer({ name: 'origin', job: 'the service behind', port, core, command: 'nginx', args: ['-c', file] });
}

/** The floor: TLS and a client certificate, forwarded; no token is looked at. */
export async function startNginx(files: BenchFiles, origin: number): Promise<Peer> {
  const port = await freePort();
  const file = nginxFile(
    files,
    'nginx',
    `
  upstream origin { server 127.0.0.1:${origin}; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_protocols TLSv1.3;
    ssl_certificate ${files.serverCert};
    ssl_certificate_key ${files.serverKey};
    ssl_client_certificate ${files.ca};
    ssl_verify_client on;
    location / {
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Client $ssl_client_s_dn;
      proxy_pass http://origin;
    }
  }`,
  );
  const job = 'mutual TLS, forward; no token';
  return startPeer({ name: 'nginx', job, port, core: CORE, command: 'nginx', args: ['-c', file] });
}

/** The whole job in C: every token's signature verified, claims and client checked, identity headers set. */
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
  timeout client 120s
  timeout server 120s
frontend orders
  bind 127.0.0.1:${port} ssl crt ${files.serverPem} ca-file ${files.ca} verify required
  http-request deny deny_status 403 unless { ssl_c_s_dn(cn) -m str api-gateway-client }
  http-request set-var(txn.token) http_auth_bearer
  http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
  http-request deny deny_status 401 unless { var(txn.token),jwt_verify(txn.alg,"${files.issuerPublicKey}") 1 }
  http-request set-var(txn.exp) var(txn.token),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.token),jwt_payload_query('$.iss') -m str ${files.issuer} }
  http-request deny deny_status 401 unless { var(txn.token),jwt_payload_query('$.aud') -m str order-service }
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request deny deny_status 403 unless { var(txn.token),jwt_payload_query('$.azp') -m str web-app }
  http-request deny deny_status 403 unless { method GET } { path_beg /orders }
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
  return startPeer({ name: 'haproxy', job, port, core: CORE, command: 'haproxy', args: ['-f', file] });
}

/**
 * Ours: the whole job, with binding, policy and an audit record besides.
 *
 * @param profiles a folder for a CPU profile, written when the sidecar ends
 */
export async function startSidecarPeer(files: BenchFiles, origin: number, profiles?: string): Promise<Peer> {
  const port = await freePort();
  const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
  const main = path.join(import.meta.dirname, '../packages/sidegate/src/cli/main.ts');
  return startPeer({
    name: 'sidegate',
    job: 'mutual TLS, token, binding, Rego, headers, audit',
    port,
    core: CORE,
    command: process.execPath,
    args: [...profiling, '--conditions=@sidegate/source', main, 'sidecar', '--config', files.sidecarConfig],
    env: {
      AUTHZ_HTTP_ADDR: `127.0.0.1:${port}`,
      AUTHZ_PROXY_UPSTREAM_URL: `http://127.0.0.1:${origin}`,
    },
  });
}

/** A prototype: a script that gets its port, the origin's port, and the files of certificate, key and client CA. */
export async function startScript(script: string, files: BenchFiles, origin: number): Promise<Peer> {
  const port = await freePort();
  const args = [script, String(port), String(origin), files.serverCert, files.serverKey, files.ca];
  return startPeer({
    name: path.basename(script),
    job: 'a prototype',
    port,
    core: CORE,
    command: process.execPath,
    args,
  });
}

function nginxFile(files: BenchFiles, name: string, server: string): string {
  const directory = path.join(files.directory, name);
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `
daemon off;
worker_processes 1;
pid ${directory}/pid;
error_log ${directory}/error.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 100000000;
  tcp_nodelay on;
  client_body_temp_path ${directory}; proxy_temp_path ${directory};
  fastcgi_temp_path ${directory}; uwsgi_temp_path ${directory}; scgi_temp_path ${directory};
${server}
}
`,
  );
  return file;
}
