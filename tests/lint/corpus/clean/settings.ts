import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Where a secret comes from, never the secret. */
const SECRET_FILES = {
  paymentClientSecret: '/run/secrets/payment-client-secret',
  signingKey: '/run/secrets/signing-key.pem',
} as const;

const schema = z.object({
  PAYMENT_SERVICE_URL: z.url(),
  PAYMENT_CLIENT_SECRET: z.string().min(16).optional(),
  TOKEN_ENDPOINT_AUTH: z.enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt']).default('private_key_jwt'),
  LOG_LEVEL: z.string().default('info'),
});

const env = schema.parse(process.env);

export const settings = {
  paymentServiceUrl: env.PAYMENT_SERVICE_URL,
  clientId: 'order-service',
  clientSecret: env.PAYMENT_CLIENT_SECRET ?? readFileSync(SECRET_FILES.paymentClientSecret, 'utf8').trim(),
  tokenEndpointAuth: env.TOKEN_ENDPOINT_AUTH,
  tls: { ca: readFileSync('/etc/tls/ca.crt'), minVersion: 'TLSv1.3', rejectUnauthorized: true },
} as const;

export const messages = {
  client_secret: 'The client secret is missing or shorter than sixteen characters.',
  password: 'Enter your password to go on.',
};

/** Keys of the secret in Kubernetes; the operator fills them. */
export const secretKeys = { clientSecretName: 'order-service-secrets', clientSecretKey: 'PAYMENT_CLIENT_SECRET' };
