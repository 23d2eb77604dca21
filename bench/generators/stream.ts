/** Bodies of many megabytes, one after the other on one connection, up or down. */
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { Readable } from 'node:stream';

const [port = '', ca = '', clientPem = '', token = '', direction = '', bytes = '', count = ''] = process.argv.slice(2);
const pem = readFileSync(clientPem);
const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(ca), cert: pem, key: pem });
const block = Buffer.alloc(65_536, 'b');
for (let index = 0; index < Number(count); index += 1) await transfer();
agent.destroy();

function transfer(): Promise<void> {
  const upload = direction === 'up';
  const headers = { Authorization: `Bearer ${token}`, ...(upload ? { 'Content-Length': bytes } : {}) };
  const path = upload ? '/orders/body' : '/orders/stream';
  return new Promise((resolve, reject) => {
    const request = https.request({ port, host: '127.0.0.1', agent, method: upload ? 'POST' : 'GET', path, headers });
    request.once('error', reject);
    request.once('response', (response) => {
      let received = 0;
      response.on('data', (chunk: Buffer) => (received += chunk.length));
      response.once('error', reject);
      response.once('end', () => {
        const whole = upload || received === Number(bytes);
        if (response.statusCode === 200 && whole) resolve();
        else reject(new Error(`answered with ${response.statusCode} and ${received} bytes`));
      });
    });
    if (upload) Readable.from(blocks()).pipe(request);
    else request.end();
  });
}

function* blocks(): Generator<Buffer> {
  for (let left = Number(bytes); left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
}
