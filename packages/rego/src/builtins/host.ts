/** What builtins need from the platform. The only way out of this package; a browser passes a host without crypto. */
export interface Host {
  readonly crypto?: HostCrypto;
}

export interface HostCrypto {
  hash(algorithm: HashName, data: Uint8Array): Uint8Array;
  hmac(algorithm: HashName, key: Uint8Array, data: Uint8Array): Uint8Array;
  randomBytes(length: number): Uint8Array;
}

export type HashName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';
