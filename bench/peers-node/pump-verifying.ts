/** The pump, which also verifies the RS256 signature of the token in each piece that arrives, and nothing else of it. */
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { createServer } from 'node:tls';

const [port = '', origin = '', cert = '', key = '', ca = '', issuerKey = ''] = process.argv.slice(2);
const tls = { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ca) };
const publicKey = createPublicKey(readFileSync(issuerKey));
const BEARER = Buffer.from('Authorization: Bearer ');

createServer(
  { ...tls, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3', noDelay: true },
  (client) => {
    const upstream = net.connect({ port: Number(origin), host: '127.0.0.1', noDelay: true });
    client.on('data', (bytes: Buffer) => {
      if (isSigned(bytes)) upstream.write(bytes);
      else client.destroy();
    });
    upstream.pipe(client);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  },
).listen(Number(port), '127.0.0.1');

function isSigned(bytes: Buffer): boolean {
  const start = bytes.indexOf(BEARER) + BEARER.length;
  const end = bytes.indexOf('\r', start);
  const dot = bytes.lastIndexOf('.', end);
  const signature = Buffer.from(bytes.toString('latin1', dot + 1, end), 'base64url');
  return verify('sha256', bytes.subarray(start, dot), publicKey, signature);
}
