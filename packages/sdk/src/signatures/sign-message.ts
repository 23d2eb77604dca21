/** Signs a message, RFC 9421 section 3.1. */
import { type BareItem, type InnerList, serializeDictionary } from 'structured-headers';
import { type SignatureKey, signBase } from './algorithms.ts';
import { componentNamed } from './component.ts';
import type { StructuredFields } from './component-value.ts';
import type { SignedMessage } from './message.ts';
import { signatureBase } from './signature-base.ts';

export interface SignOptions {
  readonly label: string;
  /** In order: `@method`, `content-digest`, `@query-param;name="Pet"`. */
  readonly components: readonly string[];
  readonly key: SignatureKey;
  readonly keyid: string;
  /** Seconds since the Unix epoch. */
  readonly created: number;
  readonly expires?: number;
  readonly nonce?: string;
  readonly tag?: string;
  /** Whether to name the algorithm; who verifies knows it from the key. */
  readonly nameAlgorithm?: boolean;
  readonly structuredFields?: StructuredFields;
}

export interface SignatureFields {
  /** One further line of `Signature-Input`; lines of several signatures add up. */
  readonly signatureInput: string;
  /** The line of `Signature` that belongs to it. */
  readonly signature: string;
}

/** @throws Problem `signature_invalid` when the message lacks a component or the key does not fit */
export function signMessage(message: SignedMessage, options: SignOptions): SignatureFields {
  const components = options.components.map(componentNamed);
  const list: InnerList = [components.map(({ name, parameters }) => [name, parameters]), parametersOf(options)];
  const base = signatureBase(message, components, list, options.structuredFields);
  const signature = new Uint8Array(signBase(Buffer.from(base), options.key));
  return {
    signatureInput: serializeDictionary(new Map([[options.label, list]])),
    signature: serializeDictionary(new Map([[options.label, [signature, new Map()]]])),
  };
}

function parametersOf({ created, expires, keyid, key, nonce, tag, nameAlgorithm }: SignOptions): Map<string, BareItem> {
  const alg = nameAlgorithm === true ? key.algorithm : undefined;
  const given = Object.entries({ created, expires, keyid, alg, nonce, tag });
  return new Map(given.filter((entry): entry is [string, string | number] => entry[1] !== undefined));
}
