/** What most teams write: express, express-jwt and http-proxy-middleware with a keep-alive agent. */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import express from 'express';
import { expressjwt, type Request } from 'express-jwt';
import { createProxyMiddleware } from 'http-proxy-middleware';

const [port = '', origin = '', cert = '', key = '', ca = '', issuerKey = ''] = process.argv.slice(2);

const app = express();
app.use((request, response, next) => {
  const { subject } = (request.socket as TLSSocket).getPeerCertificate();
  if (subject.CN === 'api-gateway-client') next();
  else response.sendStatus(403);
});
app.use(
  expressjwt({
    secret: readFileSync(issuerKey),
    algorithms: ['RS256'],
    issuer: 'https://keycloak.example.com/realms/users',
    audience: 'order-service',
  }),
);
app.use((request: Request, response, next) => {
  const roles: unknown = request.auth?.['realm_access']?.roles;
  if (request.auth?.['azp'] !== 'web-app' || !Array.isArray(roles) || !roles.includes('orders:read')) {
    response.sendStatus(403);
    return;
  }
  delete request.headers.authorization;
  request.headers['x-user-id'] = request.auth.sub;
  next();
});
app.use(
  createProxyMiddleware({
    target: `http://127.0.0.1:${origin}`,
    agent: new Agent({ keepAlive: true, maxSockets: 128 }),
  }),
);

const tls = { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ca) };
createServer({ ...tls, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' }, app).listen(
  Number(port),
  '127.0.0.1',
);
