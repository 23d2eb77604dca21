/** An identity from files that somebody else renews: looked at while calls are made, read again when they have changed. */
import { readFile, stat } from 'node:fs/promises';
import { Problem } from '../problem.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { findingOf, type Identity, type PemIdentity } from './identity.ts';

export interface IdentityFiles {
  readonly cert: string;
  readonly key: string;
  /** The only authorities trusted; absent: those that Node trusts. */
  readonly ca?: string;
  /** Told when files have changed and cannot be used: what was read before stays. */
  readonly onProblem?: (problem: Problem) => void;
  readonly runtime?: Runtime;
}

/** A look costs one call for each file. */
const LOOK_EVERY_MS = 1_000;
const MAX_BYTES = 1024 * 1024;

/**
 * A certificate, its key and the authorities to trust, from files in PEM.
 *
 * @example
 * ```ts
 * import { identityFromFiles } from '@sidegate/sdk/client';
 *
 * const identity = identityFromFiles({
 *   cert: '/etc/certs/order-service-cert.pem',
 *   key: '/etc/certs/order-service-key.pem',
 *   ca: '/etc/certs/ca-cert.pem',
 * });
 * ```
 */
export function identityFromFiles({ cert, key, ca, onProblem, runtime }: IdentityFiles): Identity {
  const { clock } = runtime ?? systemRuntime();
  const paths = ca === undefined ? [cert, key] : [cert, key, ca];
  let held: PemIdentity | undefined;
  let seen = '';
  /** The latest problem, which is told once while it lasts. */
  let told: string | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<PemIdentity> | undefined;

  const look = async (): Promise<PemIdentity> => {
    try {
      const state = await stateOf(paths);
      if (held !== undefined && state === seen) return held;
      const [certText = '', keyText = '', caText] = await Promise.all(paths.map(readText));
      const read = { cert: certText, key: keyText, ...(caText === undefined ? {} : { ca: caText }) };
      const wrong = findingOf(read);
      if (wrong !== undefined) throw new Problem('not_ready', `${paths.join(', ')}: ${wrong}`);
      // Written meanwhile: what was read may be half of it, so the next look reads again.
      seen = (await stateOf(paths)) === state ? state : '';
      held = read;
      told = undefined;
      return read;
    } catch (error) {
      const problem = error instanceof Problem ? error : unreadable(error);
      if (held === undefined) throw problem;
      if (problem.message !== told) onProblem?.(problem);
      told = problem.message;
      return held;
    } finally {
      lookedAt = clock.monotonic();
      looking = undefined;
    }
  };

  return {
    current() {
      if (held !== undefined && clock.monotonic() - lookedAt < LOOK_EVERY_MS) return Promise.resolve(held);
      looking ??= look();
      return looking;
    },
  };
}

/** Equal while none was written or replaced: Kubernetes swaps a link above them. */
async function stateOf(paths: readonly string[]): Promise<string> {
  const found = await Promise.all(paths.map((path) => stat(path, { bigint: true })));
  return found.map(({ ino, size, mtimeNs, ctimeNs }) => [ino, size, mtimeNs, ctimeNs].join(':')).join(' ');
}

async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > MAX_BYTES) throw new Problem('not_ready', `${path} has more than ${MAX_BYTES} bytes`);
  return await readFile(path, 'utf8');
}

function unreadable(error: unknown): Problem {
  const reason = error instanceof Error ? error.message : 'unknown';
  return new Problem('not_ready', `the identity cannot be read: ${reason}`, { cause: error });
}
