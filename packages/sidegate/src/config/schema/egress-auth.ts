/** `egress.targets.<name>.auth`: how this service proves to a target who it is, and for whom it calls. */
import { RESERVED_TOKEN_PARAMETERS } from '@sidegate/sdk';
import { z } from 'zod';
import { type ClientFields, clientFields, clientFindings } from './egress-client.ts';
import { FRAMING } from './proxy-headers.ts';
import { reading, refuse } from './rule.ts';
import { headerName, scope, secret, url } from './scalars.ts';

/** Set by us on every request, so that a credential under one of these names would arrive twice or not at all. */
const OURS: ReadonlySet<string> = new Set([
  'x-correlation-id',
  'traceparent',
  'txn-token',
  'cookie',
  'proxy-authorization',
]);

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

const spiffeJwtSchema = z.strictObject({
  type: z
    .literal('spiffe_jwt')
    .describe('A JWT-SVID of this workload, from the Workload API: needs the chapter `workload_api`.'),
  audience: z.string().min(1).max(2048).describe('The target as it calls itself, often its SPIFFE ID.'),
});

const parameterName = () =>
  z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'is not the name of a parameter')
    .refine((key) => !RESERVED_TOKEN_PARAMETERS.has(key), { error: 'is set by other keys, or not at all' });

/** What is asked of a token endpoint besides who asks. */
const wishedFields = {
  scopes: z.array(scope()).default([]).describe('Requested together, joined by spaces.'),
  audience: z.string().min(1).optional().describe('Sent as `audience`.'),
  resource: url().optional().describe('Sent as `resource` (RFC 8707).'),
  params: z
    .record(parameterName(), z.string().max(1024))
    .default({})
    .describe('More parameters of the token request; none that another key sets.'),
  dpop: z
    .boolean()
    .default(false)
    .describe(
      'Have tokens bound to a key of this process, and prove it with each request (RFC 9449); such a token is in no shared store.',
    ),
};

/** Runs when what it reads is right itself. */
const ofClient = <T extends z.ZodType<ClientFields>>(schema: T): T =>
  schema.superRefine(
    (auth, context) => refuse(context, clientFindings(auth)),
    reading('client_auth', 'client_secret', 'private_key_file', 'key_id', 'issuer', 'token_url'),
  );

const clientCredentialsSchema = ofClient(
  z.strictObject({ type: z.literal('oauth2_client_credentials'), ...clientFields, ...wishedFields }),
);

const tokenExchangeSchema = ofClient(
  z.strictObject({
    type: z
      .literal('token_exchange')
      .describe(
        "RFC 8693: the caller's token is traded for one for the target. On an ingress route it is the token that was verified; the local service shows it in `Authorization`.",
      ),
    ...clientFields,
    ...wishedFields,
  }),
);

const transactionTokenSchema = ofClient(
  z.strictObject({
    type: z
      .literal('transaction_token')
      .describe(
        "The caller's token is traded for a transaction token (`Txn-Token`), once for each request from outside; a call that has one keeps it.",
      ),
    ...clientFields,
    scopes: z.array(scope()).min(1).describe('What the transaction is for.'),
    trust_domain: z.string().min(1).max(255).describe('Sent as `audience`: the trust domain of the target.'),
  }),
);

export const targetAuthSchema = z.discriminatedUnion('type', [
  noneSchema,
  bearerSchema,
  apiKeySchema,
  basicSchema,
  mtlsSchema,
  clientCredentialsSchema,
  tokenExchangeSchema,
  transactionTokenSchema,
  spiffeJwtSchema,
]);
