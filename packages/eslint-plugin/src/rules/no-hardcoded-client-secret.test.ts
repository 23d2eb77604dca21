import { testRule } from '../../../../tests/support/rule-cases.ts';
import { noHardcodedClientSecret } from './no-hardcoded-client-secret.ts';

const fromEnvironment = (output: string) => ({ suggestions: [{ messageId: 'fromEnvironment', output }] });
const found = (name: string) => ({ messageId: 'secret', data: { name } });
/** Assembled, so that no scan of this repository takes it for a real one. */
const TOKEN = ['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiJvcmRlcnMtc2VydmljZSJ9', 'c2lnbmF0dXJlLW9mLW5vYm9keQ'].join('.');
const PRIVATE_KEY = ['-----BEGIN PRIVATE', ' KEY-----\\nMIIEvQIBADANBgkqh'].join('');

testRule('no-hardcoded-client-secret', noHardcodedClientSecret, {
  wrong: [
    {
      name: 'S0-61 a client_secret in the code is reported with AUTH-17',
      code: "const client = { client_id: 'orders', client_secret: 'k7#pQ2!vX9' };",
      errors: [
        {
          ...found('client_secret'),
          ...fromEnvironment("const client = { client_id: 'orders', client_secret: process.env.CLIENT_SECRET };"),
        },
      ],
    },
    {
      name: 'a field, a constant, an assignment and a default of a parameter',
      code: [
        "class Settings { paymentClientSecret = 'k7pQ2vX9'; }",
        "const SHARED_SECRET = 'k7pQ2vX9';",
        "settings.jwtSecret = 'k7pQ2vX9';",
        "function sign(body, signingKey = 'k7pQ2vX9') {}",
      ].join('\n'),
      errors: [
        { messageId: 'secret', line: 1, data: { name: 'paymentClientSecret' } },
        { messageId: 'secret', line: 2, data: { name: 'SHARED_SECRET' } },
        { messageId: 'secret', line: 3, data: { name: 'jwtSecret' } },
        { messageId: 'secret', line: 4, data: { name: 'signingKey' } },
      ].map((error, index) => ({
        ...error,
        ...fromEnvironment(
          [
            "class Settings { paymentClientSecret = 'k7pQ2vX9'; }",
            "const SHARED_SECRET = 'k7pQ2vX9';",
            "settings.jwtSecret = 'k7pQ2vX9';",
            "function sign(body, signingKey = 'k7pQ2vX9') {}",
          ]
            .map((line, at) =>
              at === index
                ? line.replace(
                    "'k7pQ2vX9'",
                    `process.env.${['PAYMENT_CLIENT_SECRET', 'SHARED_SECRET', 'JWT_SECRET', 'SIGNING_KEY'][at]}`,
                  )
                : line,
            )
            .join('\n'),
        ),
      })),
    },
    {
      name: 'behind a variable of the environment',
      code: "const options = { clientSecret: process.env.ORDERS_SECRET ?? 'changeme' };",
      errors: [found('clientSecret')],
    },
    {
      name: 'put into a form',
      code: "form.set('client_secret', 'k7pQ2vX9');",
      errors: [
        { ...found('client_secret'), ...fromEnvironment("form.set('client_secret', process.env.CLIENT_SECRET);") },
      ],
    },
    {
      name: 'in the text of a form',
      code: 'const body = `grant_type=client_credentials&client_id=${id}&client_secret=k7pQ2vX9`;',
      errors: [found('client_secret')],
    },
    {
      name: 'a key that signs',
      code: "import { createHmac } from 'node:crypto'; createHmac('sha256', 'k7pQ2vX9').update(body);",
      errors: [
        {
          ...found('a key'),
          ...fromEnvironment(
            "import { createHmac } from 'node:crypto'; createHmac('sha256', process.env.A_KEY).update(body);",
          ),
        },
      ],
    },
    {
      name: 'a key that signs, from a constant under a harmless name',
      code: "import jwt from 'jsonwebtoken'; const salt = 'k7pQ2vX9'; jwt.sign({}, salt);",
      errors: [found('a key')],
    },
    {
      name: 'a key as bytes',
      code: "import { jwtVerify } from 'jose'; await jwtVerify(token, new TextEncoder().encode('k7pQ2vX9'), { audience: 'a' });",
      errors: [
        {
          ...found('a key'),
          ...fromEnvironment(
            "import { jwtVerify } from 'jose'; await jwtVerify(token, new TextEncoder().encode(process.env.A_KEY), { audience: 'a' });",
          ),
        },
      ],
    },
    {
      name: 'Basic credentials that are put together here',
      code: "const header = 'Basic ' + Buffer.from('orders:k7pQ2vX9').toString('base64');",
      errors: [found('the secret of Basic credentials')],
    },
    {
      name: 'S4-114 a token and a private key, whatever they are called',
      code: `const first = '${TOKEN}';\nconst second = \`${PRIVATE_KEY}\`;`,
      errors: [
        { ...found('a token'), line: 1 },
        { ...found('a private key'), line: 2 },
      ],
    },
    {
      name: 'a word that stands for a secret until it is one',
      code: "const JWT_SECRET = process.env.JWT_SECRET || 'secret';\nimport jwt from 'jsonwebtoken';\njwt.verify(token, 'secret', { audience: 'a' });",
      errors: [
        {
          ...found('JWT_SECRET'),
        },
        {
          ...found('a key'),
          ...fromEnvironment(
            "const JWT_SECRET = process.env.JWT_SECRET || 'secret';\nimport jwt from 'jsonwebtoken';\njwt.verify(token, process.env.A_KEY, { audience: 'a' });",
          ),
        },
      ],
    },
    {
      name: 'the password of a URL',
      code: "const database = process.env.DATABASE_URL ?? 'postgres://orders:k7pQ2vX9@db:5432/orders';",
      errors: [found('the password of a URL')],
    },
    {
      name: 'a name of the project',
      code: "const pin = { tillPin: '4711' };",
      options: { names: ['tillPin'] },
      errors: [{ ...found('tillPin'), ...fromEnvironment('const pin = { tillPin: process.env.TILL_PIN };') }],
    },
  ],
  right: [
    { name: 'from the environment', code: 'const client = { client_secret: process.env.PAYMENT_CLIENT_SECRET };' },
    { name: 'from a vault', code: "const clientSecret = await vault.read('secret/data/orders');" },
    { name: 'the name of a variable', code: "const settings = { clientSecret: 'PAYMENT_CLIENT_SECRET' };" },
    {
      name: 'a reference',
      code: "const s = { client_secret: '${PAYMENT_CLIENT_SECRET}', apiKey: 'vault:orders#key' };",
    },
    { name: 'a file', code: "const s = { secret: '/run/secrets/orders', privateKeyFile: 'key.pem' };" },
    { name: 'how a client authenticates', code: "const s = { token_endpoint_auth_method: 'client_secret_basic' };" },
    { name: 'a message for people', code: "const messages = { client_secret: 'The client secret is missing.' };" },
    { name: 'a form whose secret is a value', code: 'const body = `client_id=${id}&client_secret=${secret}`;' },
    { name: 'an empty default', code: "function login({ clientSecret = '' }) {}" },
    { name: 'Basic credentials of a value', code: "Buffer.from(`${id}:${secret}`).toString('base64');" },
    { name: 'a text that is no secret in base64', code: "Buffer.from('hello').toString('base64');" },
    { name: 'JSON in base64', code: 'Buffer.from(\'{"alg":"none"}\').toString(\'base64url\'); btoa(\'{"a":12345}\');' },
    {
      name: 'a URL whose password is a value',
      code: 'const database = `postgres://${user}:${password}@db:5432/orders`;',
    },
    { name: 'what a form is made of', code: "const fields = { password: 'password', username: 'text' };" },
    { name: 'a type', code: "interface Client { client_secret: 'string' }" },
  ],
});
