import 'dotenv/config';

const DEFAULT_SIGNING_KEY = 'orders-hmac-7f3c1a'; // finds: no-hardcoded-client-secret

export interface Settings {
  paymentServiceUrl: string;
  idpTokenUrl: string;
  paymentClientId: string;
  paymentClientSecret: string;
  signingKey: string;
  redis: { host: string; password: string };
}

export const settings: Settings = {
  paymentServiceUrl: process.env.PAYMENT_SERVICE_URL ?? 'http://payment-service:8080',
  idpTokenUrl: process.env.IDP_TOKEN_URL!,
  paymentClientId: 'order-service-prod',
  paymentClientSecret: 'b7d0-41aa-9c5e-payments', // finds: no-hardcoded-client-secret
  signingKey: process.env.SIGNING_KEY || DEFAULT_SIGNING_KEY,
  redis: {
    host: process.env.REDIS_HOST ?? 'redis',
    password: process.env.REDIS_PASSWORD ?? 'redis123', // finds: no-hardcoded-client-secret
  },
};

if (process.env.NODE_ENV !== 'production') {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // finds: no-disabled-tls-verification
}
