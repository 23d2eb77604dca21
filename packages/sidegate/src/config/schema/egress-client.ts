/** Who asks a token endpoint, and how it proves that: in exactly one way (RFC 6749 section 2.3). */
import { z } from 'zod';
import type { Finding } from './rule.ts';
import { duration, filePath, name, secret, url } from './scalars.ts';

const METHODS = [
  'client_secret_post',
  'client_secret_basic',
  'private_key_jwt',
  'tls_client_auth',
  'spiffe_jwt',
] as const;

export const clientFields = {
  token_url: url().describe('Token endpoint of the identity provider.'),
  client_id: z.string().min(1).describe('This service at the identity provider.'),
  client_auth: z
    .enum(METHODS)
    .default('client_secret_post')
    .describe(
      'How the token request proves who we are: the secret in the body or in `Authorization`, an assertion signed by ' +
        'a key (RFC 7523), the client certificate of `tls` alone (RFC 8705), or a JWT-SVID from the Workload API.',
    ),
  client_secret: secret().optional().describe('Its secret: `${VAR}`, or a file named by `client_secret_file`.'),
  private_key_file: filePath()
    .optional()
    .describe('For `private_key_jwt`: RSA, P-256 or Ed25519 in PEM, readable by its owner only.'),
  key_id: name().optional().describe('For `private_key_jwt`: the `kid` under which the issuer knows the key.'),
  issuer: url()
    .optional()
    .describe('For `private_key_jwt` and `spiffe_jwt`: the issuer, the only audience of the assertion.'),
  refresh_before_expiry: duration('0s', '1h')
    .prefault('60s')
    .describe('A token is renewed that long before it expires.'),
};

export type ClientFields = z.output<z.ZodObject<typeof clientFields>>;

type AuthenticationKey = 'client_secret' | 'private_key_file' | 'key_id' | 'issuer';

/** What each way to authenticate needs; what belongs to another way is refused, since it would be of no use. */
const NEEDED: Readonly<Record<ClientFields['client_auth'], readonly AuthenticationKey[]>> = {
  client_secret_post: ['client_secret'],
  client_secret_basic: ['client_secret'],
  private_key_jwt: ['private_key_file', 'key_id', 'issuer'],
  tls_client_auth: [],
  spiffe_jwt: ['issuer'],
};

export function* clientFindings(auth: ClientFields): Generator<Finding> {
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
