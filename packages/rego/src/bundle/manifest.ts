/** `.manifest`: what a bundle says about itself. Unknown members are tolerated, as OPA does. */
import { BuiltinError } from '../builtins/builtin.ts';
import { globPattern } from '../builtins/glob.ts';
import type { RegoVersion } from '../syntax/cursor.ts';
import { keyText } from '../value/json.ts';
import { isObject, objectEntries, objectGet, objectSize } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import type { BundleDiagnostic } from './bundle-diagnostic.ts';
import { pathOf, type RootPath, rootsOverlap } from './roots.ts';

export interface BundleManifest {
  /** Empty when the manifest does not tell. */
  readonly revision: string;
  /** The documents that the bundle owns, as paths below `data`; the one empty path owns everything. */
  readonly roots: readonly RootPath[];
  /** The language of files that do not import `rego.v1`. */
  readonly regoVersion: RegoVersion | undefined;
  readonly metadata: ObjectValue;
  /** The language of a file, when it is not the bundle's. */
  readonly versionOf: (path: string) => RegoVersion | undefined;
}

export const MANIFEST = '.manifest';

/** Each root is compared with the others, each pattern with each file. */
const MAX_MEMBERS = 1_000;

const NO_MANIFEST: BundleManifest = {
  revision: '',
  roots: [[]],
  regoVersion: undefined,
  metadata: {},
  versionOf: () => undefined,
};

const MEMBERS = ['revision', 'roots', 'rego_version', 'file_rego_versions', 'metadata'] as const;
type Member = (typeof MEMBERS)[number];

/** The manifest that a document is; what is wrong with it goes to `diagnostics`. Without a document, one that owns all. */
export function readManifest(document: Value | undefined, diagnostics: BundleDiagnostic[]): BundleManifest {
  if (document === undefined) return NO_MANIFEST;
  const wrong = (message: string, hint: string): undefined => {
    diagnostics.push({ file: MANIFEST, message, hint });
  };
  if (!isObject(document)) {
    wrong('is no object', 'write {"revision": "…", "roots": ["…"]}');
    return NO_MANIFEST;
  }
  // Go's decoder ignores case: what we would pass over, OPA would obey.
  for (const [key] of objectEntries(document)) {
    const name = keyText(key);
    const meant = MEMBERS.find((member) => member !== name && member === name.toLowerCase());
    if (meant !== undefined) wrong(`has a member ${JSON.stringify(name)}`, `write "${meant}"`);
  }
  /** null says nothing, as in Go. */
  const member = (name: Member): Value | undefined => objectGet(document, name) ?? undefined;
  const revision = member('revision') ?? '';
  const metadata = member('metadata') ?? {};
  const version = member('rego_version');
  return {
    revision: typeof revision === 'string' ? revision : (wrong('revision is no string', 'quote it') ?? ''),
    roots: readRoots(member('roots'), wrong),
    regoVersion: version === undefined ? undefined : readVersion(version, 'rego_version', wrong),
    metadata: isObject(metadata) ? metadata : (wrong('metadata is no object', 'make it an object') ?? {}),
    versionOf: readFileVersions(member('file_rego_versions') ?? {}, wrong),
  };
}

type Wrong = (message: string, hint: string) => undefined;

function readRoots(value: Value | undefined, wrong: Wrong): readonly RootPath[] {
  if (value === undefined) return NO_MANIFEST.roots;
  if (!Array.isArray(value) || !value.every((root) => typeof root === 'string')) {
    wrong('roots is no array of strings', 'list paths such as "order/policies"');
    return [];
  }
  if (value.length > MAX_MEMBERS) {
    wrong(`has more than ${MAX_MEMBERS} roots`, 'name the folders above them');
    return [];
  }
  const roots = value.map(pathOf);
  for (const [index, root] of roots.entries()) {
    const other = roots.slice(0, index).find((earlier) => rootsOverlap(earlier, root));
    if (other !== undefined)
      wrong(`has overlapped roots: '${other.join('/')}' and '${root.join('/')}'`, 'keep one of them');
  }
  return roots;
}

function readVersion(value: Value, what: string, wrong: Wrong): RegoVersion | undefined {
  if (value === 0) return 'v0';
  if (value === 1) return 'v1';
  return wrong(`${what} is neither 0 nor 1`, 'name the version of Rego that the policies are written in');
}

/** Patterns in the order of their names; the first that matches decides. OPA matches the path behind a slash. */
function readFileVersions(value: Value, wrong: Wrong): BundleManifest['versionOf'] {
  if (!isObject(value)) {
    wrong('file_rego_versions is no object', 'write {"/path/file.rego": 0}');
    return NO_MANIFEST.versionOf;
  }
  if (objectSize(value) > MAX_MEMBERS) {
    wrong(`file_rego_versions has more than ${MAX_MEMBERS} members`, 'write patterns, or set rego_version');
    return NO_MANIFEST.versionOf;
  }
  const rules = objectEntries(value).flatMap(([key, each]) => {
    const pattern = keyText(key);
    const version = readVersion(each, `file_rego_versions[${JSON.stringify(pattern)}]`, wrong);
    const matches = fileMatcher(pattern, wrong);
    return version === undefined || matches === undefined ? [] : [{ matches, version }];
  });
  return (path) => rules.find(({ matches }) => matches(`/${path}`))?.version;
}

function fileMatcher(pattern: string, wrong: Wrong): ((path: string) => boolean) | undefined {
  try {
    const compiled = globPattern(pattern, []);
    return (path) => compiled.test(path);
  } catch (error) {
    if (!(error instanceof BuiltinError)) throw error;
    return wrong(`file_rego_versions has a malformed pattern ${JSON.stringify(pattern)}`, 'write a path or a glob');
  }
}
