/** Builtins that only a platform can answer, so that a policy which calls them is refused where nobody lends it. */
import type { Host } from './host.ts';

const CRYPTO =
  /^(?:crypto\.(?:md5|sha1|sha256|hmac\..+|parse_private_keys|x509\.parse_(?:and_verify_certificates.*|keypair|rsa_private_key))|io\.jwt\.(?:verify_.+|decode_verify|encode_sign.*)|providers\.aws\.sign_req)$/;

/** Which of the builtins a host cannot serve, and why. */
export function unavailableBuiltins(names: Iterable<string>, { crypto }: Host): ReadonlyMap<string, string> {
  const unavailable = new Map<string, string>();
  for (const name of names) {
    if (crypto === undefined && CRYPTO.test(name)) unavailable.set(name, 'the host option lends no cryptography');
  }
  return unavailable;
}
