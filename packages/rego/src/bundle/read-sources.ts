/**
 * Policies and data that are no bundle: files out of folders, as `opa eval --data` takes them. A policy's package says
 * where it belongs; a document stands at the path of its folder, whatever the file is called.
 */
import type { RegoVersion } from '../syntax/cursor.ts';
import type { ObjectValue } from '../value/value.ts';
import { type BundleDiagnostic, collect } from './bundle-diagnostic.ts';
import { readDocument, readText } from './bundle-document.ts';
import { checkRules } from './check-rules.ts';
import { conflictDiagnostic, type DataFile, mergeData } from './data-tree.ts';
import { parseModules } from './parse-modules.ts';
import type { BundleModule } from './read-bundle.ts';

/** A `.rego`, `.json`, `.yaml` or `.yml` file. */
export interface SourceFile {
  /** Its name in messages. */
  readonly file: string;
  /** The folders between the one that was named and the file: where its document stands below `data`. */
  readonly folders: readonly string[];
  readonly bytes: Uint8Array;
}

export interface SourceOptions {
  /** The language of policies that do not import `rego.v1`; v1 when absent. */
  readonly version?: RegoVersion;
}

export type SourcesResult =
  | {
      readonly ok: true;
      readonly modules: readonly BundleModule[];
      /** What policies see as `data`. */
      readonly data: ObjectValue;
    }
  | { readonly ok: false; readonly diagnostics: readonly BundleDiagnostic[] };

/**
 * Reads files as `compile` takes them, or says everything that is wrong with them: what cannot be read, two files that
 * give one document, and a document that is given and calculated.
 *
 * @example
 * ```ts
 * import { compile } from '@sidegate/rego';
 *
 * const bytes = new TextEncoder().encode('{"admins": ["amal"]}');
 * const read = readSources([{ file: 'policies/users/data.json', folders: ['users'], bytes }]);
 * if (read.ok) compile(read.modules, { data: read.data }); // data.users.admins
 * ```
 */
export function readSources(files: readonly SourceFile[], { version = 'v1' }: SourceOptions = {}): SourcesResult {
  const diagnostics: BundleDiagnostic[] = [];
  const modules = files
    .filter(isPolicy)
    .flatMap(({ file, bytes }) =>
      collect(diagnostics, (): BundleModule => ({ file, text: readText(file, bytes), version })),
    );
  const documents = files
    .filter((each) => !isPolicy(each))
    .flatMap(({ file, folders, bytes }) =>
      collect(diagnostics, (): DataFile => ({ file, path: folders, value: readDocument(file, bytes) })),
    );
  const data = mergeData(documents, (conflict) => diagnostics.push(conflictDiagnostic(conflict)));
  diagnostics.push(...checkRules(parseModules(modules, diagnostics), data));
  return diagnostics.length > 0 ? { ok: false, diagnostics } : { ok: true, modules, data };
}

function isPolicy({ file }: SourceFile): boolean {
  return file.endsWith('.rego');
}
