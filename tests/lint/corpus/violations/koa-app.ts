import Koa from 'koa';
import Router from '@koa/router';
import jwt from 'jsonwebtoken';
import { jwtDecode } from 'jwt-decode';
import tls from 'node:tls';
import { readFileSync } from 'node:fs';

const publicKey = readFileSync('/etc/keys/issuer.pem');
const router = new Router({ prefix: '/recipes' });

router.use(async (ctx, next) => {
  const token = ctx.get('authorization').replace(/^Bearer /, '');
  ctx.state.claims = jwt.verify(token, publicKey, { algorithms: ['RS256'] }); // finds: require-audience
  await next();
});

export function localeOf(ctx: Koa.Context): string {
  return jwtDecode<{ locale?: string }>(ctx.get('authorization').slice(7)).locale ?? 'en'; // finds: no-unverified-jwt-decode
}

router.get('/:id', async (ctx) => { // finds: require-route-declaration
  ctx.body = { id: ctx.params.id };
});

router.del('/tenant/:tenant', async (ctx) => { // finds: require-route-declaration
  ctx.status = 204;
});

export function probe(host: string): tls.TLSSocket {
  return tls.connect({ host, port: 8443, checkServerIdentity: () => undefined }); // finds: no-disabled-tls-verification
}

const app = new Koa();
app.use(router.routes()).use(router.allowedMethods());
app.listen(3000);
