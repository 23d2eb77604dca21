/** Verifies one signature of a message, RFC 9421 section 3.2: what it covers, when it was made, by whose key, and once. */
import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { ReplayStore } from '../replay/replay-store.ts';
import { type SignatureKey, verifyBase } from './algorithms.ts';
import { componentNamed } from './component.ts';
import type { StructuredFields } from './component-value.ts';
import { verifyContentDigest } from './content-digest.ts';
import type { SignedMessage } from './message.ts';
import { signatureBase } from './signature-base.ts';
import { readSignatures, type SignatureInput, type SignatureParameters } from './signature-fields.ts';

export interface VerifyOptions {
  /** Which signature counts, where a message may have several. */
  readonly label?: string;
  /** The use that the signature must have been made for. */
  readonly tag?: string;
  /** Components that must be covered: `@method`, `content-digest`, `@query-param;name="Pet"`. */
  readonly required: readonly string[];
  /** The key of this id; who is asked decides by `keyid` alone which algorithm is right. */
  readonly findKey: (keyid: string) => SignatureKey | undefined | Promise<SignatureKey | undefined>;
  readonly clock: Pick<Clock, 'now'>;
  /** How old a signature may be, whatever it says of its expiry. */
  readonly maxAgeSeconds: number;
  /** How far the clocks of both sides may differ. */
  readonly clockToleranceSeconds: number;
  /** Where nonces are remembered; with it a signature without nonce is refused. */
  readonly replay?: ReplayStore;
  /**
   * Compared with `Content-Digest` where that is covered; a function is asked for it once the signature has verified.
   * `'unread'`: the caller compares it.
   */
  readonly body: Uint8Array | (() => Promise<Uint8Array>) | 'unread';
  /** Whether a body that is not empty must be covered by its digest. */
  readonly bodyMustBeCovered?: boolean;
  readonly structuredFields?: StructuredFields;
}

export interface VerifiedSignature {
  readonly label: string;
  readonly keyid: string;
  readonly parameters: SignatureParameters;
  /** What is covered, as it stands in the signature base; nothing else of the message may be relied on. */
  readonly components: readonly string[];
}

/**
 * @throws Problem `signature_invalid`, `signature_timestamp`, `signature_insufficient_coverage`, `digest_mismatch`,
 *   `invalid_request`, or one of the replay store
 */
export async function verifyMessage(message: SignedMessage, options: VerifyOptions): Promise<VerifiedSignature> {
  const input = chosen(readSignatures(message.headers), options);
  requireCoverage(input, options.required);
  const { keyid } = input.parameters;
  if (keyid === undefined) throw refused('the signature names no key');
  const refusedAfter = checkWindow(input.parameters, options);
  const { nonce } = input.parameters;
  if (options.replay !== undefined && nonce === undefined) throw refused('the signature has no nonce');
  const key = await options.findKey(keyid);
  if (key === undefined) throw refused('the key is not known');
  if ((input.parameters.alg ?? key.algorithm) !== key.algorithm) throw refused('the key is for another algorithm');
  const base = signatureBase(message, input.components, input.list, options.structuredFields);
  verifyBase(Buffer.from(base), input.signature, key);
  await checkBody(message, input, options);
  if (options.replay !== undefined) {
    const id = `http-signature:${JSON.stringify([keyid, nonce])}`;
    if (!(await options.replay.firstUse(id, refusedAfter))) throw refused('the nonce was used before');
  }
  const components = input.components.map(({ identifier }) => identifier);
  return { label: input.label, keyid, parameters: input.parameters, components };
}

async function checkBody(message: SignedMessage, input: SignatureInput, options: VerifyOptions): Promise<void> {
  if (options.body === 'unread') return;
  const body = typeof options.body === 'function' ? await options.body() : options.body;
  if (coversDigest(input)) verifyContentDigest(message.headers, body);
  else if (options.bodyMustBeCovered === true && body.length > 0) {
    throw new Problem('signature_insufficient_coverage', 'the signature does not cover the digest of the body');
  }
}

function chosen(inputs: readonly SignatureInput[], { label, tag }: VerifyOptions): SignatureInput {
  const fitting = inputs.filter(
    (input) => (label === undefined || input.label === label) && (tag === undefined || input.parameters.tag === tag),
  );
  const [input] = fitting;
  if (input === undefined) throw refused('the message has no signature of this label and tag');
  if (fitting.length > 1) throw refused('more than one signature could be meant');
  return input;
}

/** Components that are part of a larger one, RFC 9421 section 2.2. */
const PARTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['"@target-uri"', ['"@scheme"', '"@authority"', '"@path"', '"@query"']],
  ['"@request-target"', ['"@path"', '"@query"']],
]);

function requireCoverage({ components }: SignatureInput, required: readonly string[]): void {
  const covered = new Set(components.flatMap(({ identity }) => [identity, ...(PARTS.get(identity) ?? [])]));
  const missing = required.filter((text) => !covered.has(componentNamed(text).identity));
  if (missing.length === 0) return;
  throw new Problem('signature_insufficient_coverage', `the signature does not cover ${missing.join(', ')}`);
}

/** @returns milliseconds since the Unix epoch after which this signature is refused for its age */
function checkWindow({ created, expires }: SignatureParameters, options: VerifyOptions): number {
  const now = options.clock.now() / 1000;
  const { maxAgeSeconds, clockToleranceSeconds: tolerance } = options;
  if (created === undefined) throw mistimed('the signature does not say when it was made');
  if (created > now + tolerance) throw mistimed('the signature is from the future');
  const last = Math.min(expires ?? Number.POSITIVE_INFINITY, created + maxAgeSeconds) + tolerance;
  if (now > last) throw mistimed('the signature has expired');
  return last * 1000;
}

/** Of this message as a whole: not of the request it answers, not of its trailers, not of one algorithm. */
function coversDigest({ components }: SignatureInput): boolean {
  return components.some(
    ({ name, parameters }) => name === 'content-digest' && !parameters.has('req') && !parameters.has('tr'),
  );
}

function mistimed(reason: string): Problem {
  return new Problem('signature_timestamp', reason);
}

function refused(reason: string): Problem {
  return new Problem('signature_invalid', reason);
}
