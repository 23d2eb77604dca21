/** A service that only services with a certificate of the internal authority reach, and of those only the ones that it lists. */
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { nodeGuards } from '@sidegate/sdk/node';
import { mutualTls, serviceAuth } from '@sidegate/sdk/server';

const { HOST = '0.0.0.0', PORT = '8443', CERTS = '.', CALLERS = 'CN=service-a' } = process.env;
const pem = (name: string): Buffer => readFileSync(`${CERTS}/${name}`);

const auth = serviceAuth({
  service: 'service-b',
  authenticator: mutualTls({ allowedClients: CALLERS.split(';') }),
});
const guards = nodeGuards(auth);
const listener = guards.listener(
  {
    'GET /internal/data': [
      guards.serviceOnly(),
      (_request, response) => response.end(JSON.stringify({ data: 'sensitive' })),
    ],
  },
  (error) => process.stderr.write(`${String(error)}\n`),
);

const server = https.createServer(
  {
    cert: pem('service-b-cert.pem'),
    key: pem('service-b-key.pem'),
    ca: pem('ca-cert.pem'),
    requestCert: true,
    rejectUnauthorized: true,
  },
  listener,
);
server.listen(Number(PORT), HOST, () => process.stdout.write(`listening on ${HOST}:${PORT}\n`));
process.once('SIGTERM', () => {
  server.close(() => auth.close());
  server.closeAllConnections();
});
