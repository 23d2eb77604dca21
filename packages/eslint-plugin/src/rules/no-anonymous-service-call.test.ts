import { testRule } from '../../../../tests/support/rule-cases.ts';
import { noAnonymousServiceCall } from './no-anonymous-service-call.ts';

const call = (service: string, line?: number) => ({
  messageId: 'call',
  data: { service },
  ...(line === undefined ? {} : { line }),
});
const client = (service: string, line?: number) => ({ ...call(service, line), messageId: 'client' });

testRule('no-anonymous-service-call', noAnonymousServiceCall, {
  wrong: [
    {
      name: 'S0-59 the forbidden ProductClient, a bare base URL',
      code: `import axios from 'axios';
export class ProductClient {
  constructor() {
    this.client = axios.create({ baseURL: 'http://product-service' });
  }
  async getProduct(id) {
    return (await this.client.get(\`/products/\${id}\`)).data;
  }
}`,
      errors: [client('product-service', 4)],
    },
    {
      name: 'S0-02 fetch to a service without a word about the caller',
      code: 'await fetch(`http://order-service:8000/orders/${id}`);',
      errors: [call('order-service')],
    },
    {
      name: 'the host is in the settings',
      code: 'await fetch(`${settings.productServiceUrl}/products/${id}`, { headers: { accept: "application/json" } });',
      errors: [call('productServiceUrl')],
    },
    {
      name: 'the host is in the environment, with a default',
      code: "const base = process.env.STOCK_URL ?? 'http://stock.warehouse.svc.cluster.local';\nawait fetch(new URL('/stock', base));",
      errors: [call('stock.warehouse.svc.cluster.local', 2)],
    },
    {
      name: 'a function of the file is handed the host',
      code: "async function get(base: string, path: string) {\n  return fetch(base + path);\n}\nawait get('http://inventory-service', '/items');",
      errors: [call('inventory-service', 2)],
    },
    {
      name: "a client's base URL, given where the client is made",
      code: "class Stock { constructor(private readonly root: string) {}\n get() { return fetch(`${this.root}/items`); } }\nnew Stock('http://10.0.3.7:8080');",
      errors: [call('10.0.3.7', 2)],
    },
    {
      name: 'headers are put together elsewhere, without credentials',
      code: "const headers = new Headers({ accept: 'text/plain' });\nheaders.set('x-request-id', id);\nawait fetch('https://pricing.internal/prices', { headers });",
      errors: [call('pricing.internal', 3)],
    },
    {
      name: 'options come from a function of the file',
      code: "const options = () => ({ method: 'POST', headers: { 'content-type': 'application/json' } });\nawait fetch('http://audit-service/events', options());",
      errors: [call('audit-service', 2)],
    },
    {
      name: 'undici, by another name, with an agent that has no certificate',
      code: "import { Agent, request as send } from 'undici';\nconst dispatcher = new Agent({ connections: 8 });\nawait send('http://ledger:8080/entries', { method: 'POST', dispatcher });",
      errors: [call('ledger', 3)],
    },
    {
      name: 'a pool of undici',
      code: "import * as undici from 'undici';\nconst pool = new undici.Pool('https://ledger.internal', { connections: 4 });\nexport const entries = () => pool.request({ path: '/entries', method: 'GET' });",
      errors: [client('ledger.internal', 2)],
    },
    {
      name: 'one call of a client among others that prove the caller',
      code: "import { Client } from 'undici';\nconst ledger = new Client('https://ledger.internal');\nawait ledger.request({ path: '/a', method: 'GET', headers: { authorization: token } });\nawait ledger.request({ path: '/b', method: 'GET' });",
      errors: [call('ledger.internal', 4)],
    },
    {
      name: 'axios with its body in the second place',
      code: "const axios = require('axios');\naxios.post('http://mail-service/mails', { to }, { timeout: 1000 });",
      errors: [call('mail-service')],
    },
    {
      name: 'axios by its options',
      code: "import axios from 'axios';\nconst defaults = { baseURL: config.get('billing.service.url') };\nawait axios.request({ ...defaults, url: '/invoices', method: 'GET' });",
      errors: [call('billing.service.url', 3)],
    },
    {
      name: 'got and ky',
      code: "import got from 'got';\nimport ky from 'ky';\nconst stock = got.extend({ prefixUrl: 'http://stock-service' });\nawait stock('items').json();\nawait ky.get('http://stock-service/items', { timeout: 10 });",
      errors: [client('stock-service', 3), call('stock-service', 5)],
    },
    {
      name: "Node's own client",
      code: "import { request } from 'node:http';\nimport https from 'node:https';\nrequest({ host: 'orders', port: 8080, path: '/orders' }).end();\nhttps.get('https://orders.internal/orders', { agent: new https.Agent({ keepAlive: true }) });",
      errors: [call('orders', 3), call('orders.internal', 4)],
    },
    {
      name: 'HTTP/2',
      code: "import { connect } from 'node:http2';\nconst session = connect('https://orders.internal');\nsession.request({ ':path': '/orders' });",
      errors: [client('orders.internal', 2)],
    },
    {
      name: 'the HttpService of Nest',
      code: "import { HttpService } from '@nestjs/axios';\nclass Orders { constructor(private readonly http: HttpService) {}\n list() { return this.http.get('http://orders-service/orders'); } }",
      errors: [call('orders-service', 3)],
    },
    {
      name: 'cookies are no credentials of a service',
      code: "await fetch('http://orders-service/orders', { credentials: 'include' });",
      errors: [call('orders-service')],
    },
    {
      name: 'a service client without identity and credentials',
      code: "import { serviceClient } from '@sidegate/sdk/client';\nconst orders = serviceClient({ target: 'https://orders.internal' });",
      errors: [{ messageId: 'serviceClient', line: 2 }],
    },
    {
      name: 'a host that the project names',
      code: "await fetch('https://erp.example.com/orders');",
      options: { services: ['*.example.com'] },
      errors: [call('erp.example.com')],
    },
  ],
  right: [
    {
      name: 'S0-59 the corrected ProductClient',
      code: "import { serviceClient } from '@sidegate/sdk/client';\nexport class ProductClient {\n constructor(credentials) { this.client = serviceClient({ target: settings.productServiceUrl, credentials }); }\n get(id) { return this.client.fetch(`/products/${id}`); } }",
    },
    {
      name: 'a token of this service',
      code: "await fetch('http://order-service/orders', { headers: { Authorization: `Bearer ${await tokens.get()}` } });",
    },
    { name: 'options that come from elsewhere', code: "await fetch('http://order-service/orders', options);" },
    {
      name: 'headers that a function of another module makes',
      code: "await fetch('http://order-service/orders', { headers: { accept: '*/*', ...(await authHeaders()) } });",
    },
    {
      name: 'headers set one by one',
      code: "const headers = new Headers();\nheaders.append('authorization', value);\nawait fetch('http://order-service/orders', { headers });",
    },
    {
      name: 'headers that something signs',
      code: "const headers = { date };\nsigner.sign(headers);\nawait fetch('http://order-service/orders', { headers });",
    },
    {
      name: 'a client certificate on the agent',
      code: "import { Agent } from 'undici';\nconst dispatcher = new Agent({ connect: { cert, key } });\nawait fetch('https://orders.internal/', { dispatcher });",
    },
    {
      name: 'a client certificate of a client',
      code: "import https from 'node:https';\nimport axios from 'axios';\nconst api = axios.create({ baseURL: 'https://orders-service', httpsAgent: new https.Agent({ cert, key, ca }) });\nawait api.get('/orders');",
    },
    {
      name: 'an interceptor',
      code: "import axios from 'axios';\nconst api = axios.create({ baseURL: 'http://orders-service' });\napi.interceptors.request.use(withToken);\nawait api.get('/orders');",
    },
    {
      name: 'every call of a client proves the caller',
      code: "import { Client } from 'undici';\nconst ledger = new Client('https://ledger.internal');\nawait ledger.request({ path: '/a', headers: { authorization: token } });",
    },
    { name: 'a public API', code: "await fetch('https://api.open-meteo.com/v1/forecast');" },
    { name: 'the sidecar on loopback', code: "await fetch('http://127.0.0.1:8080/data/orders');" },
    {
      name: 'a token request',
      code: 'await fetch(`http://keycloak:8080/realms/${realm}/protocol/openid-connect/token`, { method: "POST", body });',
    },
    {
      name: 'keys and probes',
      code: "await fetch('http://orders-service/.well-known/jwks.json'); await fetch('http://orders-service/healthz');",
    },
    {
      name: 'a fetch that is none of the platform',
      code: "import { fetch } from './authenticated.js';\nawait fetch('http://order-service/orders');",
    },
    {
      name: 'a request whose header is set before it is sent',
      code: "import http from 'node:http';\nconst req = http.request('http://order-service/orders');\nreq.setHeader('authorization', value);\nreq.end();",
    },
    {
      name: 'superagent',
      code: "import request from 'superagent';\nawait request.get('http://order-service/orders').set('Authorization', value);",
    },
    {
      name: 'a host that is exempt',
      code: "await fetch('http://otel-collector:4318/v1/traces');",
      options: { exempt: ['otel-*'] },
    },
    {
      name: 'a header that the project names',
      code: "await fetch('http://order-service/orders', { headers: { 'x-mesh-ticket': ticket } });",
      options: { credentialHeaders: ['X-Mesh-Ticket'] },
    },
    { name: 'a relative path', code: "await fetch('/api/orders');" },
  ],
});
