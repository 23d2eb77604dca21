/** What builtins need from the platform. The only way out of this package; a browser passes less of it. */
export interface Host {
  readonly crypto?: HostCrypto;
  readonly yaml?: HostYaml;
}

export interface HostCrypto {
  hash(algorithm: HashName, data: Uint8Array): Uint8Array;
  hmac(algorithm: HashName, key: Uint8Array, data: Uint8Array): Uint8Array;
  randomBytes(length: number): Uint8Array;
}

export interface HostYaml {
  /** @throws Error whose message says what is wrong, in the words of Go's yaml (`yaml: line 1: …`) */
  parse(text: string): unknown;
  stringify(value: unknown): string;
}

export type HashName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';
