/** `egress.targets.<name>.auth`: how this service proves to a target who it is. */
import { RESERVED_TOKEN_PARAMETERS } from '@sidegate/sdk';
import { z } from 'zod';
import { FRAMING } from './proxy-headers.ts';
import { type Finding, reading, refuse } from './rule.ts';
import { duration, filePath, headerName, name, scope, secret, url } from './scalars.ts';

/** Set by us on every request, so that a credential under one of these names would arrive twice or not at all. */
const OURS: ReadonlySet<string> = new Set(['x-correlation-id', 'traceparent', 'cookie', 'proxy-authorization']);

const noneSchema = z.strictObject({ type: z.literal('none') });

const mtlsSchema = z.strictObject({
  type: z.literal('mtls').describe('The client certificate of `tls` is the credential, and must be there.'),
});

const bearerSchema = z.strictObject({
  type: z.literal('bearer'),
  token: secret(/^[A-Za-z0-9._~+/-]{1,8192}={0,2}$/, 'is not a bearer token').describe('Sent as it is.'),
});

const apiKeySchema = z.strictObject({
  type: z.literal('api_key'),
  header: headerName()
    .refine((header) => !FRAMING.has(header.toLowerCase()) && !OURS.has(header.toLowerCase()), {
      error: 'is a header that cannot be configured',
    })
    .default('X-API-Key')
    .describe('The header that carries the key; what the local service sends under that name is replaced.'),
  key: secret(/^[!-~](?:[ -~]{0,8190}[!-~])?$/, 'has characters that a header cannot carry').describe('The key.'),
});

const basicSchema = z.strictObject({
  type: z.literal('basic'),
  username: z
    .string()
    .regex(/^[^:\p{Cc}]{1,255}$/u, 'has a colon or a control character')
    .describe('RFC 7617: without a colon.'),
  password: secret(/^\P{Cc}{1,1024}$/u, 'has a control character').describe('Its password.'),
});

const parameterName = () =>
  z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'is not the name of a parameter')
    .refine((key) => !RESERVED_TOKEN_PARAMETERS.has(key), { error: 'is set by other keys, or not at all' });

const clientCredentialsFile = z.strictObject({
  type: z.literal('oauth2_client_credentials'),
  token_url: url().describe('Token endpoint of the identity provider.'),
  client_id: z.string().min(1).describe('This service at the identity provider.'),
  client_auth: z
    .enum(['client_secret_post', 'client_secret_basic', 'private_key_jwt', 'tls_client_auth'])
    .default('client_secret_post')
    .describe(
      'How the token request proves who we are: the secret in the body or in `Authorization`, an assertion signed by ' +
        'a key (RFC 7523), or the client certificate of `tls` alone (RFC 8705).',
    ),
  client_secret: secret().optional().describe('Its secret: `${VAR}`, or a file named by `client_secret_file`.'),
  private_key_file: filePath()
    .optional()
    .describe('For `private_key_jwt`: RSA, P-256 or Ed25519 in PEM, readable by its owner only.'),
  key_id: name().optional().describe('For `private_key_jwt`: the `kid` under which the issuer knows the key.'),
  issuer: url().optional().describe('For `private_key_jwt`: the issuer, the only audience of the assertion.'),
  scopes: z.array(scope()).default([]).describe('Requested together, joined by spaces.'),
  refresh_before_expiry: duration('0s', '1h')
    .prefault('60s')
    .describe('A token is renewed that long before it expires.'),
  audience: z.string().min(1).optional().describe('Sent as `audience`.'),
  resource: url().optional().describe('Sent as `resource` (RFC 8707).'),
  params: z
    .record(parameterName(), z.string().max(1024))
    .default({})
    .describe('More parameters of the token request; none that another key sets.'),
});

type ClientCredentialsFile = z.output<typeof clientCredentialsFile>;

const clientCredentialsSchema = clientCredentialsFile.superRefine(
  (auth, context) => refuse(context, authenticationFindings(auth)),
  reading('client_auth', 'client_secret', 'private_key_file', 'key_id', 'issuer', 'token_url'),
);

export const targetAuthSchema = z.discriminatedUnion('type', [
  noneSchema,
  bearerSchema,
  apiKeySchema,
  basicSchema,
  mtlsSchema,
  clientCredentialsSchema,
]);

type AuthenticationKey = 'client_secret' | 'private_key_file' | 'key_id' | 'issuer';

/** What each way to authenticate needs; what belongs to another way is refused, since it would be of no use. */
const NEEDED: Readonly<Record<ClientCredentialsFile['client_auth'], readonly AuthenticationKey[]>> = {
  client_secret_post: ['client_secret'],
  client_secret_basic: ['client_secret'],
  private_key_jwt: ['private_key_file', 'key_id', 'issuer'],
  tls_client_auth: [],
};

function* authenticationFindings(auth: ClientCredentialsFile): Generator<Finding> {
  const { client_auth, token_url } = auth;
  const needed = NEEDED[client_auth];
  for (const key of ['client_secret', 'private_key_file', 'key_id', 'issuer'] as const) {
    if (needed.includes(key) && auth[key] === undefined) {
      yield { path: [key], message: 'is required', hint: `client_auth is ${client_auth}`, code: 'missing_key' };
    }
    if (!needed.includes(key) && auth[key] !== undefined) {
      yield { path: [key], message: `is not used with client_auth ${client_auth}`, hint: 'remove one of them' };
    }
  }
  if (client_auth === 'tls_client_auth' && !token_url.startsWith('https:')) {
    const hint = 'client_auth is tls_client_auth: only TLS shows a certificate';
    yield { path: ['token_url'], message: 'needs https', hint };
  }
}
