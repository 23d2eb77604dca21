/** No proxy at all: the bytes inside mutual TLS go to the origin and back, unread. What Node leaves to whoever does more. */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { createServer } from 'node:tls';

const [port = '', origin = '', cert = '', key = '', ca = ''] = process.argv.slice(2);
const tls = { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ca) };

createServer(
  { ...tls, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3', noDelay: true },
  (client) => {
    const upstream = net.connect({ port: Number(origin), host: '127.0.0.1', noDelay: true });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  },
).listen(Number(port), '127.0.0.1');
