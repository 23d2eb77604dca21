/** Login of people: their tokens stay in their session, on the server. */
import type { Context } from 'koa';
import * as oidc from 'openid-client';

export async function callback(ctx: Context, config: oidc.Configuration): Promise<void> {
  const tokens = await oidc.authorizationCodeGrant(config, ctx.URL, { expectedState: ctx.session.state });
  ctx.session.accessToken = tokens.access_token;
  ctx.session.claims = tokens.claims();
  ctx.redirect('/');
}

export async function me(ctx: Context): Promise<void> {
  const { headers } = ctx.request;
  const accept = headers.accept ?? '*/*';
  ctx.body = { accept, name: ctx.session.claims?.name, secure: ctx.secure };
}

export function lifetime(days: number): number {
  const expiresIn = days * 86_400;
  return Date.now() + expiresIn * 1000;
}
