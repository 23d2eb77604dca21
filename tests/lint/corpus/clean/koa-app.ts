import Koa from 'koa';
import Router from '@koa/router';
import jwt from 'jsonwebtoken';
import { guards } from './guards.js';

const router = new Router({ prefix: '/recipes' });

router.get('/:id', guards.requireRoles('baker'), async (ctx) => {
  ctx.body = { id: ctx.params.id };
});

router.delete('/tenant/:tenant', guards.requireServiceAuth(['recipes:delete']), async (ctx) => {
  ctx.status = 204;
});

export function legacyClaims(token: string, publicKey: string): jwt.JwtPayload {
  const options: jwt.VerifyOptions = { algorithms: ['RS256'], audience: 'recipes', issuer: 'https://idp.example.com' };
  return jwt.verify(token, publicKey, options) as jwt.JwtPayload;
}

export function ticket(subject: string, key: string): string {
  return jwt.sign({ sub: subject, aud: 'print-service' }, key, { algorithm: 'RS256', expiresIn: '1m' });
}

const app = new Koa();
app.use(router.routes()).use(router.allowedMethods());
app.listen(3000);
