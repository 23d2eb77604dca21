/** nginx: the floor in C for TLS and forwarding; no token is looked at. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PEER_CORE } from '../cores.ts';
import type { BenchFiles } from '../files.ts';
import { freePort, type Peer, startPeer } from '../peer.ts';

const SERVER_TLS = (files: BenchFiles): string => `
    ssl_protocols TLSv1.3;
    ssl_certificate ${files.serverCert};
    ssl_certificate_key ${files.serverKey};
    ssl_client_certificate ${files.ca};
    ssl_verify_client on;`;

/** Bodies pass through as they arrive, as in the other peers. */
const PASS = `
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      proxy_pass http://origin;`;

/** Mutual TLS in front of the origin. */
export async function startNginx(files: BenchFiles, origin: number): Promise<Peer> {
  return startIngress(files, origin, 'nginx', '');
}

/** The same without any resumption: no tickets are made. */
export async function startNginxWithoutTickets(files: BenchFiles, origin: number): Promise<Peer> {
  return startIngress(files, origin, 'nginx-no-tickets', 'ssl_session_tickets off; ssl_session_cache off;');
}

/** From plain HTTP to a service that wants a client certificate. */
export async function startNginxEgress(files: BenchFiles, upstream: number): Promise<Peer> {
  const port = await freePort();
  const file = nginxFile(
    files,
    'nginx-egress',
    `
  upstream origin { server 127.0.0.1:${upstream}; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / {${PASS.replace('http://', 'https://')}
      proxy_ssl_protocols TLSv1.3;
      proxy_ssl_certificate ${files.clientCert};
      proxy_ssl_certificate_key ${files.clientKey};
      proxy_ssl_trusted_certificate ${files.ca};
      proxy_ssl_verify on;
      proxy_ssl_name localhost;
    }
  }`,
  );
  const job = 'plain HTTP to mutual TLS; no token';
  return startPeer({ name: 'nginx', job, port, core: PEER_CORE, command: 'nginx', args: ['-c', file] });
}

async function startIngress(files: BenchFiles, origin: number, name: string, settings: string): Promise<Peer> {
  const port = await freePort();
  const file = nginxFile(
    files,
    name,
    `
  upstream origin { server 127.0.0.1:${origin}; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} ssl backlog=4096;${SERVER_TLS(files)}
    ${settings}
    location / {${PASS}
      proxy_set_header X-Client $ssl_client_s_dn;
    }
  }`,
  );
  const job = 'mutual TLS, forward; no token';
  return startPeer({ name: 'nginx', job, port, core: PEER_CORE, command: 'nginx', args: ['-c', file] });
}

/** @returns the file with these servers, one worker, in a folder of their own */
export function nginxFile(files: BenchFiles, name: string, servers: string): string {
  const directory = path.join(files.directory, name);
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${directory}/pid;
error_log ${directory}/error.log warn;
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  client_max_body_size 0;
  client_body_buffer_size 128k;
  sendfile on;
  tcp_nodelay on;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
${servers}
}
`,
  );
  return file;
}
