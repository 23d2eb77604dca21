/**
 * OPA bundles: a gzipped tar archive of policies, base documents, a manifest and a signature.
 * Nothing of an archive is used before its signature holds, where one is asked for; nothing that the manifest's
 * roots do not permit is used at all.
 */
import type { Host } from '../builtins/host.ts';
import type { RegoVersion } from '../syntax/cursor.ts';
import type { ObjectValue } from '../value/value.ts';
import { type BundleDiagnostic, BundleError, collect, refuse } from './bundle-diagnostic.ts';
import { readDocument, readText } from './bundle-document.ts';
import { checkRoots } from './check-roots.ts';
import { checkRules } from './check-rules.ts';
import { conflictDiagnostic, type DataFile, mergeData } from './data-tree.ts';
import { checkDigests } from './file-digests.ts';
import { fileKind } from './file-kind.ts';
import { type BundleManifest, readManifest } from './manifest.ts';
import { parseModules } from './parse-modules.ts';
import { type BundleVerification, SIGNATURES, verifiedDigests } from './signature.ts';
import { readTar } from './tar.ts';

export interface BundleOptions {
  /** What the platform lends: gunzip always, cryptography for signatures. */
  readonly host: Host;
  /** Whose signature the bundle must have. When absent, a signed bundle is refused: nobody could tell whose it is. */
  readonly verification?: BundleVerification;
  /** The language of policies when neither they nor the manifest tell; v1 when absent. */
  readonly version?: RegoVersion;
}

/** A policy of a bundle, as `compile` takes it. */
export interface BundleModule {
  /** Path within the bundle. */
  readonly file: string;
  readonly text: string;
  readonly version: RegoVersion;
}

export interface Bundle {
  readonly modules: readonly BundleModule[];
  /** What policies see as `data`. */
  readonly data: ObjectValue;
  readonly manifest: BundleManifest;
  /** Files that nothing here reads, such as policies compiled to WebAssembly. */
  readonly ignored: readonly BundleDiagnostic[];
  /** `policy.wasm`, as `opa build -t wasm` puts it at the root; for whoever has an engine for it. */
  readonly wasm: Uint8Array | undefined;
}

export type BundleResult =
  | { readonly ok: true; readonly bundle: Bundle }
  | { readonly ok: false; readonly diagnostics: readonly BundleDiagnostic[] };

const WASM = 'policy.wasm';
const MAX_UNPACKED = 64 * 1024 * 1024;
const TAR_LIMITS = { entries: 10_000, headerBytes: 64 * 1024 };

type Files = ReadonlyMap<string, Uint8Array>;

/**
 * Reads a `.tar.gz` as `opa build` makes it, or says everything that is wrong with it.
 *
 * @example
 * const read = readBundle(bytes, { host: NODE_HOST, verification: { keys: { default: { key: pem, algorithm: 'RS256' } } } });
 * if (read.ok) compile(read.bundle.modules, { data: read.bundle.data });
 */
export function readBundle(bytes: Uint8Array, options: BundleOptions): BundleResult {
  try {
    const files = readTar(unpack(bytes, options.host), TAR_LIMITS);
    verify(files, options);
    return readFiles(files, options);
  } catch (error) {
    if (error instanceof BundleError) return { ok: false, diagnostics: error.diagnostics };
    throw error;
  }
}

function unpack(bytes: Uint8Array, { gunzip }: Host): Uint8Array {
  if (gunzip === undefined) refuse('', 'gzip cannot be read here', 'lend gunzip by the host option');
  try {
    return gunzip(bytes, MAX_UNPACKED);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof RangeError) return refuse('', 'unpacks to more than 64 MiB', 'make the bundle smaller');
    return refuse('', `cannot be unpacked: ${error.message}`, 'give a .tar.gz as opa build makes it');
  }
}

function verify(files: Files, { verification, host }: BundleOptions): void {
  const signatures = files.get(SIGNATURES);
  if (verification === undefined) {
    if (signatures === undefined) return;
    refuse(SIGNATURES, 'no key is given to verify it with', 'give the key, or build the bundle without a signature');
  }
  if (signatures === undefined) refuse(SIGNATURES, 'is missing: the bundle is not signed', 'sign it with opa sign');
  const crypto =
    host.crypto ?? refuse('', 'signatures cannot be verified here', 'lend cryptography by the host option');
  checkDigests(files, verifiedDigests(signatures, verification, crypto), crypto);
}

function readFiles(files: Files, options: BundleOptions): BundleResult {
  const diagnostics: BundleDiagnostic[] = [];
  const { manifests, policies, documents, ignored } = sortFiles(files, diagnostics);
  const read = <T>(reader: () => T): readonly T[] => collect(diagnostics, reader);
  const [document] = manifests.flatMap(([file, bytes]) => read(() => readDocument(file, bytes)));
  const manifest = readManifest(document, diagnostics);
  const version = (file: string) => manifest.versionOf(file) ?? manifest.regoVersion ?? options.version ?? 'v1';
  const modules = policies.flatMap(([file, bytes]) =>
    read((): BundleModule => ({ file, text: readText(file, bytes), version: version(file) })),
  );
  const data = mergeData(
    documents.flatMap(([file, bytes]) =>
      read((): DataFile => ({ file, path: file.split('/').slice(0, -1), value: readDocument(file, bytes) })),
    ),
    (conflict) => diagnostics.push(conflictDiagnostic(conflict)),
  );
  const parsed = parseModules(modules, diagnostics);
  diagnostics.push(...checkRoots(manifest.roots, parsed, data), ...checkRules(parsed, data));
  return diagnostics.length > 0
    ? { ok: false, diagnostics }
    : { ok: true, bundle: { modules, data, manifest, ignored, wasm: files.get(WASM) } };
}

type Entry = readonly [file: string, bytes: Uint8Array];

function sortFiles(files: Files, diagnostics: BundleDiagnostic[]) {
  const [manifests, policies, documents]: [Entry[], Entry[], Entry[]] = [[], [], []];
  const ignored: BundleDiagnostic[] = [];
  for (const entry of files) {
    const [file] = entry;
    const kind = fileKind(file);
    if (kind === 'manifest') manifests.push(entry);
    else if (kind === 'policy') policies.push(entry);
    else if (kind === 'data') documents.push(entry);
    else if (kind !== 'signatures') {
      const { refused, message, hint } = kind;
      (refused ? diagnostics : ignored).push({ file, message, hint });
    }
  }
  return { manifests, policies, documents, ignored };
}
