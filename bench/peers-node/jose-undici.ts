/** What a careful team writes by hand: `node:https`, jose for the token, undici with keep-alive to the service behind. */

import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type JWTPayload, jwtVerify } from 'jose';
import { Pool } from 'undici';

const [port = '', origin = '', cert = '', key = '', ca = '', issuerKey = ''] = process.argv.slice(2);
const publicKey = createPublicKey(readFileSync(issuerKey));
const upstream = new Pool(`http://127.0.0.1:${origin}`, { connections: 128, pipelining: 1 });
const tls = { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ca) };

createServer({ ...tls, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' }, (request, response) => {
  serve(request, response).catch(() => {
    if (!response.headersSent) response.writeHead(502).end();
  });
}).listen(Number(port), '127.0.0.1');

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const subject = (request.socket as TLSSocket).getPeerCertificate().subject;
  if (subject.CN !== 'api-gateway-client') return void response.writeHead(403).end();
  const claims = await claimsOf(request.headers.authorization);
  if (claims === undefined) return void response.writeHead(401).end();
  const { roles = [] } = (claims['realm_access'] ?? {}) as { roles?: string[] };
  if (claims['azp'] !== 'web-app' || !roles.includes('orders:read')) return void response.writeHead(403).end();
  const headers: IncomingHttpHeaders = { ...request.headers, 'x-user-id': claims.sub ?? '' };
  for (const name of ['authorization', 'connection', 'host']) delete headers[name];
  const answer = await upstream.request({
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers,
    body: request.method === 'GET' ? null : request,
  });
  response.writeHead(answer.statusCode, answer.headers as Record<string, string>);
  answer.body.pipe(response);
}

async function claimsOf(authorization = ''): Promise<JWTPayload | undefined> {
  if (!authorization.startsWith('Bearer ')) return undefined;
  const expected = {
    algorithms: ['RS256'],
    issuer: 'https://keycloak.example.com/realms/users',
    audience: 'order-service',
  };
  try {
    return (await jwtVerify(authorization.slice(7), publicKey, expected)).payload;
  } catch {
    return undefined;
  }
}
