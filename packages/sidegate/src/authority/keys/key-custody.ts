/**
 * Who keeps private keys. Here they are sealed and kept in the store; a key management service takes this place by a handle that is
 * the name of a key over there, and by signing over there.
 */
import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { type SignatureAlgorithm, type SigningKey, signingKey } from '../issuer/signing-key.ts';
import type { Sealing } from './sealing.ts';

export interface KeyCustody {
  /** Makes a key that has never signed. */
  create(algorithm: SignatureAlgorithm): Promise<KeptKey>;
  /** @throws Error when the handle means nothing here, or means another key */
  open(kept: Pick<KeptKey, 'handle' | 'kid' | 'algorithm'>): Promise<SigningKey>;
}

export interface KeptKey {
  readonly kid: string;
  readonly algorithm: SignatureAlgorithm;
  readonly publicJwk: SigningKey['publicJwk'];
  /** What opens it again; may be stored, is never shown. */
  readonly handle: string;
}

const RSA_BITS = 2048;

const generate = promisify(generateKeyPair);

export function sealedKeys(sealing: Sealing): KeyCustody {
  return {
    create: async (algorithm) => {
      const privateKey = await newPrivateKey(algorithm);
      const { kid, publicJwk } = signingKey(algorithm, privateKey);
      return {
        kid,
        algorithm,
        publicJwk,
        handle: sealing.seal(privateKey.export({ type: 'pkcs8', format: 'der' }), purposeOf(kid)),
      };
    },
    open: async ({ handle, kid, algorithm }) => {
      const privateKey = createPrivateKey({ key: sealing.open(handle, purposeOf(kid)), type: 'pkcs8', format: 'der' });
      const key = signingKey(algorithm, privateKey);
      if (key.kid !== kid) throw new Error(`the handle of the key ${kid} opens another key`);
      return key;
    },
  };
}

export async function newPrivateKey(algorithm: SignatureAlgorithm): Promise<KeyObject> {
  const pair =
    algorithm === 'RS256'
      ? await generate('rsa', { modulusLength: RSA_BITS })
      : await generate('ec', { namedCurve: 'prime256v1' });
  return pair.privateKey;
}

function purposeOf(kid: string): string {
  return `signing-key:${kid}`;
}
