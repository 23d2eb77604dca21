/** What a file of a bundle is, by its name, as OPA tells. */
import { MANIFEST } from './manifest.ts';
import { SIGNATURES } from './signature.ts';

export type FileKind = 'policy' | 'data' | 'manifest' | 'signatures' | Unread;

/** A file that is not read, and why. */
export interface Unread {
  /** Whether the bundle means something else without it. */
  readonly refused: boolean;
  readonly message: string;
  readonly hint: string;
}

const DATA = new Set(['data.json', 'data.yaml', 'data.yml']);
const COMPILED = new Set(['policy.wasm', 'plan.json', 'plan.pb']);

export function fileKind(path: string): FileKind {
  if (path === MANIFEST) return 'manifest';
  if (path === SIGNATURES) return 'signatures';
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.endsWith('.rego')) return 'policy';
  if (DATA.has(name)) return 'data';
  // OPA takes these for the bundle's own, whatever the folder.
  if (name.endsWith(MANIFEST) || name === SIGNATURES) return refused('stands in a folder', 'put it at the root');
  if (name.endsWith('.manifest.pb')) return refused('is a manifest in another format', 'build it with .manifest');
  if (name === 'patch.json') return refused('makes a delta bundle', 'build a bundle with all its files');
  if (COMPILED.has(name)) return ignored('is compiled for another engine', 'build with opa build -t rego');
  return ignored('is neither a policy nor data', 'data files are named data.json or data.yaml');
}

function refused(message: string, hint: string): Unread {
  return { refused: true, message, hint };
}

function ignored(message: string, hint: string): Unread {
  return { refused: false, message: `is not read: it ${message}`, hint };
}
