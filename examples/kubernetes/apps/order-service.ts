/** Order service: an order is paid for by payment-service, which it calls through its own sidecar, in plain HTTP on loopback. */
import { createServer } from 'node:http';

const PORT = Number(process.env['PORT'] ?? 3000);
const EGRESS = process.env['EGRESS_URL'] ?? 'http://127.0.0.1:8080';

const server = createServer((request, response) => {
  request.resume();
  void pay().then(
    ([status, payment]) => response.writeHead(status, { 'content-type': 'application/json' }).end(payment),
    () => response.writeHead(502).end(),
  );
});
server.listen(PORT, '127.0.0.1', () => process.stdout.write('listening\n'));
process.once('SIGTERM', () => server.close());

async function pay(): Promise<readonly [status: number, body: string]> {
  const answer = await fetch(`${EGRESS}/payments`, { method: 'POST', body: '{"amount": 42}' });
  return [answer.status, await answer.text()];
}
