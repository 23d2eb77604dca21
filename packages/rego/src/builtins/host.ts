/** What builtins need from the platform. The only way out of this package; a browser passes less of it. */
export interface Host {
  readonly crypto?: HostCrypto;
  /**
   * Unpacks gzip (RFC 1952), for bundles.
   * @throws RangeError when it is more than `maxBytes`, another Error when it is damaged
   */
  readonly gunzip?: (bytes: Uint8Array, maxBytes: number) => Uint8Array;
}

/** Synchronous cryptography: builtins cannot wait. Everything that reads a key throws an Error when it cannot. */
export interface HostCrypto {
  hash(algorithm: HashName, data: Uint8Array): Uint8Array;
  hmac(algorithm: HashName, key: Uint8Array, data: Uint8Array): Uint8Array;
  /** In a time that depends on the lengths only. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
  /** The key of a DER-encoded X.509 certificate. */
  certificateKey(certificate: Uint8Array): HostKey;
  /** A DER-encoded SubjectPublicKeyInfo. */
  publicKey(info: Uint8Array): HostKey;
  jwk(jwk: Readonly<Record<string, unknown>>): HostKey;
  /** Whether the key of one DER-encoded certificate signed the other. */
  isIssuedBy(certificate: Uint8Array, issuer: Uint8Array): boolean;
  /** Whether a private JWK belongs to a certificate. */
  matches(certificate: Uint8Array, privateJwk: Readonly<Record<string, unknown>>): boolean;
  /** A PKCS #1, PKCS #8 or SEC 1 private key in PEM, as a JWK. */
  privateKeyJwk(pem: string): Readonly<Record<string, unknown>>;
  verify(algorithm: SignatureAlgorithm, key: HostKey, data: Uint8Array, signature: Uint8Array): boolean;
  sign(algorithm: SignatureAlgorithm, key: HostKey, data: Uint8Array): Uint8Array;
}

export interface HostKey {
  readonly kind: KeyKind;
  /** The platform's own key object. */
  readonly handle: unknown;
}

export type KeyKind = 'rsa' | 'ec' | 'ed25519' | 'secret';
export type HashName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** JWS algorithms (RFC 7518 section 3.1, RFC 8037). */
export type SignatureAlgorithm =
  | 'HS256'
  | 'HS384'
  | 'HS512'
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA';
