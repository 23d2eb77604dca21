/** Published keys, messages and signatures, RFC 9421 sections 2.4 and B.1 to B.4; and some of our own where none are published. */
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  type SignatureAlgorithm,
  type SignatureKey,
  type SignedMessage,
  type VerifiedSignature,
  verifyMessage,
} from '@sidegate/sdk/signatures';

export interface Vector {
  readonly section: string;
  readonly label: string;
  readonly message: string;
  readonly deterministic: boolean;
  /** The value of `Signature-Input` under the label. */
  readonly input: string;
  readonly base: readonly string[];
  readonly signature: string;
}

interface PublishedKey {
  readonly algorithm: SignatureAlgorithm;
  readonly spki?: string;
  readonly pkcs8?: string;
  readonly secret?: string;
}

interface Published {
  readonly keys: Readonly<Record<string, PublishedKey>>;
  readonly messages: Readonly<Record<string, SignedMessage & { readonly body: string }>>;
  readonly vectors: readonly Vector[];
  /** Section 2.4: signatures of responses over the requests that they answer. */
  readonly bound: readonly Vector[];
  /** Made with node:crypto: the RFC has none of ECDSA with P-384. */
  readonly generated: readonly Vector[];
}

const FILE = path.resolve(import.meta.dirname, '../vectors/http-signatures.json');
export const { keys, messages, vectors, bound, generated } = JSON.parse(readFileSync(FILE, 'utf8')) as Published;

export const bytes = (base64: string | undefined): Buffer => Buffer.from(base64 ?? '', 'base64');

export function keyOf(id: string, half: 'public' | 'private'): SignatureKey | undefined {
  const published = keys[id];
  return (
    published && {
      algorithm: published.algorithm,
      key: half === 'public' ? publicKey(published) : privateKey(published),
    }
  );
}

function publicKey({ spki, secret }: PublishedKey): KeyObject {
  return spki === undefined
    ? createSecretKey(bytes(secret))
    : createPublicKey({ key: bytes(spki), format: 'der', type: 'spki' });
}

function privateKey({ pkcs8, secret }: PublishedKey): KeyObject {
  return pkcs8 === undefined
    ? createSecretKey(bytes(secret))
    : createPrivateKey({ key: bytes(pkcs8), format: 'der', type: 'pkcs8' });
}

export function messageOf(name: string): Published['messages'][string] {
  const message = messages[name];
  assert(message);
  return message;
}

export const verified = (message: SignedMessage, body: string): Promise<VerifiedSignature> =>
  verifyMessage(message, {
    required: [],
    findKey: (keyid) => keyOf(keyid, 'public'),
    clock: { now: () => 1_618_884_473_000 },
    maxAgeSeconds: 0,
    clockToleranceSeconds: 6,
    body: Buffer.from(body),
  });

export function signed<Message extends SignedMessage>(message: Message, { label, input, signature }: Vector): Message {
  return {
    ...message,
    headers: [...message.headers, ['Signature-Input', `${label}=${input}`], ['Signature', `${label}=:${signature}:`]],
  };
}
