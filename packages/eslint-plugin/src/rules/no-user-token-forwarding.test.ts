import { testRule } from '../../../../tests/support/rule-cases.ts';
import { noUserTokenForwarding } from './no-user-token-forwarding.ts';

const forwarded = (line?: number) => ({ messageId: 'forwarded', ...(line === undefined ? {} : { line }) });

testRule('no-user-token-forwarding', noUserTokenForwarding, {
  wrong: [
    {
      name: "every field, by Hono's raw request",
      code: "app.get('/a', (c) => fetch('http://orders/x', { headers: c.req.raw.headers }));",
      errors: [{ messageId: 'headers' }],
    },
    {
      name: 'S0-65 the header of the request, as it is',
      code: "app.get('/a', (req, res) => fetch('http://orders/x', { headers: { authorization: req.headers.authorization } }));",
      errors: [forwarded()],
    },
    {
      name: 'taken apart and put together',
      code: "async function a(req) {\n const token = req.headers['authorization'].split(' ')[1];\n await fetch('http://orders/x', {\n  headers: { Authorization: `Bearer ${token}` },\n });\n}",
      errors: [forwarded(4)],
    },
    {
      name: 'taken out by patterns',
      code: "async function a(request) {\n const { headers } = request;\n const { authorization: header = '' } = headers;\n const [, token] = header.split(' ');\n await fetch('http://orders/x', { headers: { authorization: 'Bearer ' + token } });\n}",
      errors: [forwarded(5)],
    },
    {
      name: 'by the method of the framework',
      code: "app.get('/a', async (c) => { await fetch('http://orders/x', { headers: { authorization: c.req.header('Authorization') ?? '' } }); });\nrouter.get('/a', async (ctx) => { await fetch('http://orders/x', { headers: { authorization: ctx.get('authorization') } }); });\napp.get('/a', async (req) => { await fetch('http://orders/x', { headers: { authorization: req.get('Authorization') } }); });",
      errors: [forwarded(1), forwarded(2), forwarded(3)],
    },
    {
      name: 'by a function of the file',
      code: "const tokenOf = (req) => req.headers.authorization?.slice(7);\nasync function a(req) { await fetch('http://orders/x', { headers: { authorization: `Bearer ${tokenOf(req)}` } }); }",
      errors: [forwarded(2)],
    },
    {
      name: 'by a function of another module',
      code: "import { extractBearer } from './auth.js';\nasync function a(req) { await fetch('http://orders/x', { headers: { authorization: `Bearer ${extractBearer(req)}` } }); }",
      errors: [forwarded(2)],
    },
    {
      name: 'handed to a function that calls',
      code: "async function orders(header) {\n return fetch('http://orders/x', { headers: { authorization: header } });\n}\nasync function a(req) { return orders(req.headers.authorization); }",
      errors: [forwarded(2)],
    },
    {
      name: 'a parameter that is called what it is',
      code: "class Orders { list(userToken) { return this.client.fetch('/x', { headers: { authorization: `Bearer ${userToken}` } }); }\n client = serviceClient({ target, credentials }); }\nimport { serviceClient } from '@sidegate/sdk/client';",
      errors: [forwarded(1)],
    },
    {
      name: 'every field',
      code: "async function a(req) { await fetch('http://orders/x', { headers: req.headers }); await fetch('http://orders/x', { headers: { ...req.headers, host: 'orders' } }); }",
      errors: [{ messageId: 'headers' }, { messageId: 'headers' }],
    },
    {
      name: 'with axios, through a client',
      code: "import axios from 'axios';\nconst orders = axios.create({ baseURL: 'http://orders' });\nasync function a(req) { await orders.post('/x', {}, { headers: { Authorization: req.headers.authorization } }); }",
      errors: [forwarded(3)],
    },
    {
      name: 'headers that were put together before',
      code: "async function a(req) {\n const headers = new Headers();\n headers.set('authorization', req.headers.authorization);\n await fetch('http://orders/x', { headers });\n}",
      errors: [forwarded(4)],
    },
    {
      name: 'the session of the user',
      code: "async function a(req) { await fetch('http://orders/x', { headers: { authorization: `Bearer ${req.session.accessToken}` } }); }",
      errors: [forwarded()],
    },
    {
      name: 'their cookies',
      code: "async function a(req) { await fetch('http://orders/x', { headers: { cookie: req.headers.cookie } }); }",
      errors: [forwarded()],
    },
  ],
  right: [
    {
      name: "the service's own token",
      code: "async function a(req) { await fetch('http://orders/x', { headers: { authorization: `Bearer ${await tokens.get()}` } }); }",
    },
    {
      name: 'an exchanged token',
      code: "async function a(req) { const token = await exchangeToken(req.headers.authorization); await fetch('http://orders/x', { headers: { authorization: `Bearer ${token}` } }); }",
    },
    {
      name: 'the subject of an exchange',
      code: "async function a(req) { await fetch('https://idp/token', { method: 'POST', body: new URLSearchParams({ subject_token: req.headers.authorization.slice(7) }) }); }",
    },
    {
      name: 'another field of the request',
      code: "async function a(req) { await fetch('http://orders/x', { headers: { 'x-request-id': req.headers['x-request-id'], authorization: own } }); }",
    },
    {
      name: 'the header of an answer',
      code: "const answer = await fetch('https://idp/token'); await fetch('http://orders/x', { headers: { authorization: answer.headers.get('authorization') } });",
    },
    {
      name: 'a call of something else',
      code: 'function a(req) { log.info({ headers: { authorization: req.headers.authorization } }); }',
    },
    {
      name: 'a host that it is agreed with',
      code: "async function a(req) { await fetch('http://legacy/x', { headers: { authorization: req.headers.authorization } }); }",
      options: { exempt: ['legacy'] },
    },
  ],
});
