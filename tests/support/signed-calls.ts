/** Requests signed for one service, and the ways in which somebody between may change them. */
import { createSecretKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import type { ReplayStore } from '@sidegate/sdk';
import { type Authenticator, httpSignatureAuthenticator } from '@sidegate/sdk/server';
import { contentDigest, fixedKeys, type SignatureKey, type SignOptions, signMessage } from '@sidegate/sdk/signatures';
import type { WireRequest } from './wire.ts';

export const AUTHORITY = 'payments.example';
export const BODY = '{"amount":1,"currency":"EUR"}';
export const COVERED: readonly string[] = ['@method', '@authority', '@path', '@query', 'content-digest'];

const ed25519 = generateKeyPairSync('ed25519');
const secret = createSecretKey(Buffer.alloc(32, 7));

/** What the callers sign with, by key id. */
export const SIGNING: Readonly<Record<'orders' | 'billing', SignatureKey>> = {
  orders: { algorithm: 'ed25519', key: ed25519.privateKey },
  billing: { algorithm: 'hmac-sha256', key: secret },
};

export function signingAuthenticator(replay: ReplayStore): Authenticator {
  const keys = (algorithm: SignatureKey['algorithm'], keyid: string, key: KeyObject) =>
    fixedKeys({ [keyid]: { algorithm, key } });
  return httpSignatureAuthenticator({
    callers: {
      'order-service': { keys: keys('ed25519', 'orders', ed25519.publicKey) },
      'billing-service': { keys: keys('hmac-sha256', 'billing', secret) },
    },
    authorities: [AUTHORITY],
    replay,
  });
}

export interface SignedCall {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly digest: string;
  readonly input: string;
  readonly signature: string;
  readonly body: string;
}

export type SigningChanges = Partial<Omit<SignOptions, 'key'>> & { readonly host?: string; readonly body?: string };

/** A call of `order-service`, right in everything that is not changed. */
export function signedCall({ host = AUTHORITY, body = BODY, ...changes }: SigningChanges = {}): SignedCall {
  const digest = contentDigest(Buffer.from(body));
  const keyid = changes.keyid === 'billing' ? 'billing' : 'orders';
  const target = '/charges?tenant=1';
  const { signatureInput, signature } = signMessage(
    { method: 'POST', scheme: 'https', authority: host, target, headers: [['Content-Digest', digest]] },
    {
      label: 'sig1',
      components: COVERED,
      keyid,
      key: SIGNING[keyid],
      created: Math.floor(Date.now() / 1000),
      nonce: randomUUID(),
      ...changes,
    },
  );
  return { method: 'POST', target, host, digest, input: signatureInput, signature, body };
}

/** As it goes over the wire. */
export function wireOf({ method, target, host, digest, input, signature, body }: SignedCall): WireRequest {
  const bytes = Buffer.from(body);
  const fields = ['Host', host, 'Content-Digest', digest, 'Signature-Input', input, 'Signature', signature];
  const headers = [...fields, 'Content-Length', String(bytes.length)];
  return { method, target, headers, body: bytes.toString('latin1') };
}
