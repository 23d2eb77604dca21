/** Secrets come from the environment or from files; one that is written in the configuration is refused. */
import type { Diagnostic } from './diagnostic.ts';
import { type Draft, placed } from './draft.ts';
import { type KeyPath, pathId } from './key-path.ts';
import type { Finding } from './schema/rule.ts';
import { FILE_SUFFIX, visit } from './shape.ts';

export interface SecretOptions {
  /** What a secret written in the file is. */
  readonly literals: Diagnostic['severity'];
  /** `pathId` of the values that came from the environment. */
  readonly fromEnvironment: ReadonlySet<string>;
  readonly readFile: (path: string) => string;
}

const MAX_SECRET_BYTES = 65_536;

/** Puts the contents of every `*_file` in the place of the secret, and finds secrets that are written out. */
export function readSecrets(draft: Draft, options: SecretOptions): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const report = (severity: Diagnostic['severity'], finding: Finding): number =>
    diagnostics.push(placed(draft, severity, finding));
  visit(draft.shape, draft.value, (path, mapping, shapes) => {
    if (!isMapping(mapping)) return;
    for (const [key, shape] of shapes.flatMap(({ properties }) => Object.entries(properties ?? {}))) {
      if (shape.writeOnly !== true) continue;
      const at = [...path, key];
      const fileKey = `${key}${FILE_SUFFIX}`;
      const literal = typeof mapping[key] === 'string' && !options.fromEnvironment.has(pathId(at));
      if (literal) {
        const hint = `write \${VARIABLE}, or name a file in ${fileKey}`;
        report(options.literals, {
          path: at,
          message: 'is a secret written in the file',
          hint,
          code: 'secret_literal',
        });
      }
      if (mapping[fileKey] !== undefined) {
        for (const finding of takeFile(mapping, at, options)) report('error', finding);
      }
    }
  });
  return diagnostics;
}

function* takeFile(mapping: Record<string, unknown>, path: KeyPath, options: SecretOptions): Generator<Finding> {
  const key = String(path.at(-1));
  const fileKey = `${key}${FILE_SUFFIX}`;
  const at = [...path.slice(0, -1), fileKey];
  const file = mapping[fileKey];
  delete mapping[fileKey];
  if (mapping[key] !== undefined) {
    yield { path: at, message: `is set beside ${key}`, hint: 'keep one of them', code: 'conflict' };
    return;
  }
  // stands for what could not be read, so that the key does not count as missing as well
  mapping[key] = fileKey;
  if (typeof file !== 'string') {
    yield { path: at, message: 'must be a string', hint: 'the path of a file', code: 'wrong_type' };
    return;
  }
  const contents = contentsOf(file, options.readFile);
  if (contents === undefined) yield { path: at, message: 'names a file that cannot be read', code: 'unreadable_file' };
  else if (contents === '' || contents.length > MAX_SECRET_BYTES) {
    yield { path: at, message: 'names a file that is empty or larger than 64 KiB', code: 'unreadable_file' };
  } else mapping[key] = contents;
}

/** Without the final line break, which editors and `echo` add. */
function contentsOf(file: string, readFile: (path: string) => string): string | undefined {
  try {
    return readFile(file).replace(/\r?\n$/, '');
  } catch {
    return undefined;
  }
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
