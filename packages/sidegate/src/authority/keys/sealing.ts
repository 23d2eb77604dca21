/**
 * Secrets at rest: AES-256-GCM under a key that lives in a file or in the environment, never in the store. What is sealed names the
 * key that opens it, so that a new key can seal while the old one still opens.
 */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';

export interface Sealing {
  /**
   * @param purpose what it is and whose, as in `signing-key:<kid>`; opened only under the same words, so that one sealed secret
   *   cannot take the place of another
   */
  seal(secret: Buffer, purpose: string): string;
  /** @throws CannotOpen */
  open(sealed: string, purpose: string): Buffer;
}

export class CannotOpen extends Error {
  override readonly name = 'CannotOpen';
}

const VERSION = 'v1';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * The 32 bytes of a sealing key, written in base64 or base64url as by `openssl rand -base64 32`.
 *
 * @returns undefined when it is none
 */
export function readSealingKey(text: string): Buffer | undefined {
  const trimmed = text.trim();
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return undefined;
  const key = Buffer.from(trimmed, 'base64url');
  return key.length === KEY_BYTES ? key : undefined;
}

/**
 * @param keys 32 bytes each; the first one seals, all of them open
 * @param random cryptographically strong bytes
 */
export function sealing(keys: readonly [Buffer, ...Buffer[]], random: (bytes: number) => Buffer): Sealing {
  const byId = new Map(keys.map((key) => [idOf(key), key]));
  const [first] = keys;
  return {
    seal: (secret, purpose) => {
      const nonce = random(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', first, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(purpose));
      const sealed = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
      return [VERSION, idOf(first), nonce.toString('base64url'), sealed.toString('base64url')].join('.');
    },
    open: (sealed, purpose) => {
      const [version, id = '', nonceText = '', text = '', ...more] = sealed.split('.');
      const [nonce, content] = [nonceText, text].map((part) => Buffer.from(part, 'base64url'));
      const readable = version === VERSION && more.length === 0 && nonce?.length === NONCE_BYTES;
      if (!readable || content === undefined || content.length < TAG_BYTES)
        throw new CannotOpen(`${purpose} is not readable`);
      const key = byId.get(id);
      if (key === undefined) throw new CannotOpen(`${purpose} was sealed under the key ${id}, which is not configured`);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(purpose));
      decipher.setAuthTag(content.subarray(content.length - TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(content.subarray(0, content.length - TAG_BYTES)), decipher.final()]);
      } catch (error) {
        throw new CannotOpen(`${purpose} was changed, or is something else`, { cause: error });
      }
    },
  };
}

/** Tells keys apart without telling anything about them. */
function idOf(key: Buffer): string {
  return createHash('sha256').update('sidegate sealing key').update(key).digest('hex').slice(0, 8);
}
