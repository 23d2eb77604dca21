/** Payment service: knows nothing of certificates; its sidecar says who calls, and lets in nobody else. */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  request.resume();
  response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ paid: true }));
});
server.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => process.stdout.write('listening\n'));
process.once('SIGTERM', () => server.close());
