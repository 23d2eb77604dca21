/** `@sidegate/sdk/signatures`: HTTP Message Signatures, RFC 9421, and `Content-Digest`, RFC 9530. */
export type { SignatureAlgorithm, SignatureKey } from './algorithms.ts';
export type { StructuredFields } from './component-value.ts';
export { contentDigest, type DigestAlgorithm, verifyContentDigest } from './content-digest.ts';
export { type DirectoryKeysOptions, directoryKeys } from './directory-keys.ts';
export {
  directoryKeyId,
  KEY_DIRECTORY_PATH,
  KEY_DIRECTORY_TYPE,
  type KeyDirectory,
  type KeyDirectoryOptions,
  keyDirectory,
} from './key-directory.ts';
export type { LegacyCoverage } from './legacy-x-signature.ts';
export type { FieldLines, SignedMessage, SignedRequest, SignedResponse } from './message.ts';
export { type SignatureFields, type SignOptions, signMessage } from './sign-message.ts';
export type { SignatureParameters } from './signature-fields.ts';
export { fixedKeys, type SignatureKeys } from './signature-keys.ts';
export type { StructuredType } from './structured-fields.ts';
export { type VerifiedSignature, type VerifyOptions, verifyMessage } from './verify-message.ts';
