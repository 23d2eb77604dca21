/** `GET …/certs`: the public keys of a realm as a JWK Set (RFC 7517 section 5). */
import type { Answer } from './answer.ts';
import type { KeyRing } from './signing-key.ts';

const MAX_AGE_SECONDS = 300;

export function answerJwks(keys: KeyRing): Answer {
  return {
    status: 200,
    headers: { 'cache-control': `public, max-age=${MAX_AGE_SECONDS}` },
    body: { keys: keys.published() },
  };
}
