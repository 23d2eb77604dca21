import { testRule } from '../../../../tests/support/rule-cases.ts';
import { noBroadScope } from './no-broad-scope.ts';

const broad = (scope: string) => ({ messageId: 'broad', data: { scope } });
const several = (scope: string) => ({ messageId: 'several', data: { scope } });

testRule('no-broad-scope', noBroadScope, {
  wrong: [
    {
      name: 'S0-63 scope=service is reported with AUTH-13',
      code: "const client = { client_id: id, token_endpoint: url, grant_type: 'client_credentials', scope: 'service' };",
      errors: [broad('service')],
    },
    {
      name: 'S0-63 a wildcard',
      code: "new URLSearchParams({ grant_type: 'client_credentials', scope: '*' });",
      errors: [broad('*')],
    },
    {
      name: 'S0-63 several operations on one client',
      code: "const client = { clientId: id, tokenUrl: url, scope: 'payment:charge payment:refund' };",
      errors: [several('payment:charge payment:refund')],
    },
    {
      name: 'a wildcard behind a domain, in a constant',
      code: "const SCOPE = `${domain}:*`;\nregistration.clientCredentials({ scopes: [SCOPE], audience: 'payment-service' });",
      errors: [broad('…:*')],
    },
    {
      name: 'a list of operations',
      code: "import { oauthClient } from '@sidegate/sdk/client';\nconst registration = oauthClient(options);\nregistration.clientCredentials({ scopes: ['payment:charge', 'payment:refund'] });",
      errors: [several('payment:charge payment:refund')],
    },
    {
      name: 'a client of a service',
      code: "serviceClient({ target: url, identity, scopes: ['orders:*'] });",
      errors: [broad('orders:*')],
    },
    {
      name: 'put into a form',
      code: "const form = new URLSearchParams();\nform.set('grant_type', 'client_credentials');\nform.append('scope', 'admin');",
      errors: [broad('admin')],
    },
    {
      name: 'a form that is handed to oauth4webapi',
      code: "import * as oauth from 'oauth4webapi';\nconst form = new URLSearchParams();\nform.set('scope', ['a:read', 'b:read'].join(' '));\nawait oauth.clientCredentialsGrantRequest(server, client, auth, form);",
      errors: [several('a:read b:read')],
    },
    {
      name: 'a route that asks for everything',
      code: "app.post('/charge', requireServiceAuth(['service']), charge);",
      errors: [{ messageId: 'guard', data: { scope: 'service' } }],
    },
  ],
  right: [
    { name: 'one operation', code: "const client = { client_id: id, token_endpoint: url, scope: 'payment:charge' };" },
    {
      name: 'a login',
      code: "const login = { client_id: id, response_type: 'code', scope: 'openid profile user:read user:write' };",
    },
    {
      name: 'OpenID beside one operation',
      code: "const client = { client_id: id, grant_type: 'client_credentials', scope: 'openid payment:charge' };",
    },
    {
      name: 'a scope of another kind',
      code: "const provider = { provide: TOKEN, scope: '*' }; const worker = { scope: '/', url: '/sw.js' };",
    },
    {
      name: 'the default scope of a resource',
      code: "const client = { clientId: id, clientSecret: secret, scopes: ['api://orders/.default'] };",
    },
    {
      name: 'a scope from outside',
      code: "const client = { client_id: id, grant_type: 'client_credentials', scope: settings.scope };",
    },
    { name: 'a form that is none for tokens', code: "const form = new URLSearchParams();\nform.set('scope', 'all');" },
    {
      name: 'a route that two operations may call',
      code: "app.get('/stock', requireServiceAuth(['inventory:read', 'inventory:audit']), stock);",
    },
    {
      name: 'allowed',
      code: "const client = { client_id: id, grant_type: 'client_credentials', scope: 'service' };",
      options: { allow: ['service'] },
    },
  ],
});
