import { testRule } from '../../../../tests/support/rule-cases.ts';
import { noManualTokenCache } from './no-manual-token-cache.ts';

const kept = (line?: number) => ({ messageId: 'kept', ...(line === undefined ? {} : { line }) });

testRule('no-manual-token-cache', noManualTokenCache, {
  wrong: [
    {
      name: 'as MSAL calls it',
      code: "let cached;\nasync function renew() {\n const result = await app.acquireTokenByClientCredential({ scopes });\n cached = result.accessToken;\n const grant = 'grant_type=client_credentials';\n}",
      errors: [kept(4)],
    },
    {
      name: 'S0-64 a field, and when it ends',
      code: 'class Payments {\n async token() {\n  const answer = await this.request();\n  this.accessToken = answer.access_token;\n  this.expiresAt = Date.now() + answer.expires_in * 1000;\n }\n}',
      errors: [kept(4)],
    },
    {
      name: 'a variable of the module',
      code: "let token;\nexport async function renew() {\n const { access_token } = await post({ grant_type: 'client_credentials' });\n token = access_token;\n}",
      errors: [kept(4)],
    },
    {
      name: 'a map',
      code: 'const tokens = new Map();\nasync function renew(domain) {\n const answer = await post(`grant_type=client_credentials&scope=${domain}`);\n tokens.set(domain, { value: answer.access_token });\n}',
      errors: [kept(4)],
    },
    {
      name: 'Redis',
      code: "async function renew() {\n const { data } = await post();\n await redis.set('token', JSON.stringify(data.access_token), { EX: data.expires_in });\n}",
      errors: [kept(3)],
    },
    {
      name: 'what an object of the module holds',
      code: 'const cache = {};\nasync function renew() {\n const { access_token: value, expires_in } = await post();\n cache.token = { value, until: Date.now() + expires_in };\n}',
      errors: [kept(4)],
    },
    {
      name: 'with oauth4webapi',
      code: "import * as oauth from 'oauth4webapi';\nclass Source { async renew() {\n const r = await oauth.clientCredentialsGrantRequest(server, client, auth, form);\n const result = await oauth.processClientCredentialsResponse(server, client, r);\n this.token = result.access_token; } }",
      errors: [kept(5)],
    },
  ],
  right: [
    {
      name: "a user's token, as libraries of login call it",
      code: 'class Session { open(answer) { this.accessToken = answer.accessToken; this.expiresAt = answer.expiresAt; } }',
    },
    {
      name: 'a token that is used and forgotten',
      code: "async function call() { const { access_token } = await post({ grant_type: 'client_credentials' }); const bearer = access_token; return send(bearer); }",
    },
    {
      name: 'a token in a form and in a header',
      code: "async function call() { const answer = await post({ grant_type: 'client_credentials' }); const form = new URLSearchParams(); form.set('subject_token', answer.access_token); request.headers.set('authorization', answer.access_token); }",
    },
    {
      name: 'the session of a user',
      code: 'async function callback(ctx) { const tokens = await grant(); ctx.session.accessToken = tokens.access_token; ctx.session.until = tokens.expires_in; }',
    },
    {
      name: 'another cache',
      code: 'const cache = new Map(); function keep(key, value, expiresIn) { cache.set(key, { value, until: Date.now() + expiresIn }); }',
    },
    {
      name: 'the token source',
      code: "import { oauthClient } from '@sidegate/sdk/client'; const registration = oauthClient({ tokenUrl, clientId, authentication }); const credentials = registration.clientCredentials({ scopes: ['payment:charge'] });",
    },
  ],
});
