/** The service behind all peers: nginx on the load generator's core. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { LOAD_CORE } from '../cores.ts';
import type { BenchFiles } from '../files.ts';
import { freePort, type Peer, startPeer } from '../peer.ts';
import { nginxFile } from './nginx.ts';

export const STREAM_BYTES = 100 * 1_048_576;

const ANSWER = JSON.stringify({
  id: '42',
  status: 'open',
  items: [{ sku: 'PROD-123', quantity: 2 }],
  note: 'n'.repeat(120),
});

/** GET is answered with 200 bytes of JSON, a body is read to its end first; `/orders/stream` is 100 MiB long. */
export async function startOrigin(files: BenchFiles): Promise<Peer> {
  return startService(files, { name: 'origin', listen: '', tls: '' });
}

/** The same service behind mutual TLS, for what leaves through an egress. */
export async function startTlsOrigin(files: BenchFiles): Promise<Peer> {
  const tls = `
    ssl_protocols TLSv1.3;
    ssl_certificate ${files.serverCert};
    ssl_certificate_key ${files.serverKey};
    ssl_client_certificate ${files.ca};
    ssl_verify_client on;`;
  return startService(files, { name: 'tls-origin', listen: ' ssl', tls });
}

async function startService(
  files: BenchFiles,
  { name, listen, tls }: { readonly name: string; readonly listen: string; readonly tls: string },
): Promise<Peer> {
  const port = await freePort();
  const inner = await freePort();
  const stream = path.join(files.directory, 'stream.bin');
  writeFileSync(stream, Buffer.alloc(STREAM_BYTES, 'x'));
  const file = nginxFile(
    files,
    name,
    `
  upstream answer { server 127.0.0.1:${inner}; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${inner};
    location / { default_type application/json; return 200 '${ANSWER}'; }
  }
  server {
    listen 127.0.0.1:${port}${listen} backlog=4096;${tls}
    location / { default_type application/json; return 200 '${ANSWER}'; }
    location = /orders/stream { alias ${stream}; }
    location = /orders/body {
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_method GET;
      proxy_set_body "";
      proxy_pass http://answer/;
    }
  }`,
  );
  return startPeer({ name, job: 'the service behind', port, core: LOAD_CORE, command: 'nginx', args: ['-c', file] });
}
