/** Options that the commands about policies share: where policies and data are, and whose bundles count. */
import { readFileSync } from 'node:fs';
import type { BundleVerification } from '@sidegate/rego';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../config/schema/signing-algorithms.ts';
import type { PolicyLocations } from '../policy/policy-sources.ts';
import { EXIT } from './exit-code.ts';

export interface LocationOptions {
  readonly policies?: readonly string[];
  readonly data?: readonly string[];
  readonly verificationKey?: string;
  readonly verificationKeyId: string;
  readonly signingAlg: SigningAlgorithm;
  readonly scope?: string;
}

/** `--policies`, `--data` and what verifies a bundle. */
export function withLocations(command: Command): Command {
  return withVerification(
    command
      .option('-p, --policies <path>', 'folder or file of policies and data, or a bundle (.tar.gz); repeatable', append)
      .option('-d, --data <path>', 'the same, as opa calls it; repeatable', append),
  );
}

/** For commands that take the places as arguments. */
export function withData(command: Command): Command {
  return withVerification(
    command.option('-d, --data <path>', 'folder or file of more policies and data; repeatable', append),
  );
}

/** With the names that OPA gives these options. */
function withVerification(command: Command): Command {
  return command
    .option(
      '--verification-key <file>',
      'public key or certificate (PEM): the bundle must be signed by it',
      readKeyFile,
    )
    .option('--verification-key-id <id>', 'name of that key', 'default')
    .addOption(
      new Option('--signing-alg <algorithm>', 'what that key signs with').choices(SIGNING_ALGORITHMS).default('RS256'),
    )
    .option('--scope <scope>', 'what the signature must be for');
}

export function locationsOf(options: LocationOptions, tests: boolean, paths: readonly string[] = []): PolicyLocations {
  const { policies = [], data = [], verificationKey: key, verificationKeyId: keyId, signingAlg, scope } = options;
  const trusted = { algorithm: signingAlg, ...(scope === undefined ? {} : { scope }) };
  const verification: BundleVerification | undefined =
    key === undefined ? undefined : { keys: { [keyId]: { ...trusted, key } }, keyId };
  return { policies: [...paths, ...policies, ...data], tests, verification };
}

/** Says that neither option names a place. */
export function noLocation(): number {
  process.stderr.write('sidegate: where are the policies? Name a folder, a file or a bundle with --policies\n');
  return EXIT.usage;
}

function append(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new InvalidArgumentError(`${file} cannot be read (${code}).`);
  }
}
