/** A client's key with the nonces that servers asked for, RFC 9449 sections 8 and 9: each server's latest one is in the next proof for it. */
import { createDpopKey, type DpopKey, type ProofRequest } from './sign-proof.ts';

export interface DpopProver {
  readonly thumbprint: string;
  /** @param now milliseconds since the epoch */
  prove(request: Omit<ProofRequest, 'nonce'>, now: number): string;
  /**
   * Takes `DPoP-Nonce` of an answer.
   *
   * @returns whether another proof would be another one, so that a request may be worth repeating
   */
  learn(url: string, nonce: string | undefined): boolean;
}

const MAX_NONCE_CHARACTERS = 1024;
/** Of servers that somebody has configured. */
const MAX_SERVERS = 256;

export function createDpopProver(key: DpopKey = createDpopKey()): DpopProver {
  const nonces = new Map<string, string>();
  return {
    thumbprint: key.thumbprint,
    prove: (request, now) => key.prove({ ...request, nonce: nonces.get(originOf(request.url)) }, now),
    learn(url, nonce) {
      const origin = originOf(url);
      if (nonce === undefined || !isNonce(nonce) || nonces.get(origin) === nonce) return false;
      if (!nonces.has(origin) && nonces.size >= MAX_SERVERS) return false;
      nonces.set(origin, nonce);
      return true;
    },
  };
}

/** RFC 9449 section 8.1. */
function isNonce(text: string): boolean {
  return text.length <= MAX_NONCE_CHARACTERS && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text);
}

const originOf = (url: string): string => new URL(url).origin;
