/** Volumes of `cluster.yaml` with what is in their folders: text alone, and no key. */
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ClusterConfig } from '../config/schema/cluster.ts';
import type { Volume } from '../kubernetes/cluster.ts';
import type { StartFinding } from './start-finding.ts';

type VolumeConfigs = ClusterConfig['services'][number]['volumes'];

/** A ConfigMap has a megabyte at most. */
const MAX_BYTES = 900_000;

export function readVolumes(
  volumes: VolumeConfigs,
  { name }: { readonly name: string },
  findings: StartFinding[],
): ReadonlyMap<string, Volume> {
  return new Map(
    Object.entries(volumes).map(([mount, volume]): [string, Volume] => [
      mount,
      volume.type === 'folder' ? { type: 'files', files: readFolder(volume.path, name, findings) } : volume,
    ]),
  );
}

type Files = ReadonlyMap<string, { readonly path: string; readonly text: string }>;

function readFolder(folder: string, service: string, findings: StartFinding[]): Files {
  const refuse = (file: string, message: string, hint: string): void =>
    void findings.push({ file, severity: 'error', message, hint });
  const files = new Map<string, { readonly path: string; readonly text: string }>();
  let bytes = 0;
  for (const entry of entriesBelow(folder)) {
    const file = path.join(entry.parentPath, entry.name);
    const name = path.relative(folder, file).replaceAll(path.sep, '/');
    // Keys of a ConfigMap have no slashes.
    const key = name.replaceAll('/', '__');
    if (!entry.isFile()) {
      refuse(file, 'is neither a file nor a folder', 'a ConfigMap has no links');
      continue;
    }
    const content = readFileSync(file);
    const text = content.toString('utf8');
    bytes += content.length;
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._/-]*$/.test(name) || files.has(key))
      refuse(file, 'has a name that a ConfigMap cannot have', 'rename it');
    else if (!Buffer.from(text).equals(content)) refuse(file, 'is no text', 'mount it from a volume that is there');
    else if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) refuse(file, 'holds a private key', 'mount a secret');
    else files.set(key, { path: name, text });
  }
  if (files.size === 0) refuse(folder, `has no file for ${service}`, 'check the path');
  if (bytes > MAX_BYTES) refuse(folder, 'is too large for a ConfigMap', 'at most 900 kB: use a bundle or an image');
  return files;
}

function entriesBelow(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .toSorted((a, b) => (path.join(a.parentPath, a.name) < path.join(b.parentPath, b.name) ? -1 : 1));
  } catch {
    return [];
  }
}
