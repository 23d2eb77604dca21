/** What the issuer found, at its place in the realm file. */
import { readFileSync } from 'node:fs';
import type { Finding, RealmPath } from '../authority/issuer/finding.ts';
import { pathId, renderPath } from '../config/key-path.ts';
import { readYaml } from '../config/yaml-source.ts';
import type { StartFinding } from './start-finding.ts';

/** @param realmFiles in the order in which the issuer got the realms */
export function placeFindings(findings: readonly Finding[], realmFiles: readonly string[]): readonly StartFinding[] {
  const placed = findings.map(({ where, severity, message }): StartFinding => {
    if ('address' in where) return { file: where.address, severity, message, hint: '' };
    if ('file' in where) return { file: where.file, severity, message, hint: '' };
    const file = realmFiles[where.realm] ?? '';
    const at = renderPath(where.path);
    return { file, ...positionOf(file, where.path), severity, message: `${at}: ${message}`, hint: '' };
  });
  return placed.sort((a, b) => a.file.localeCompare(b.file) || (a.line ?? 0) - (b.line ?? 0));
}

/** Of the value, or of the nearest one around it when the value is what is missing. */
function positionOf(file: string, path: RealmPath): Pick<StartFinding, 'line' | 'column'> {
  const { positions } = readYaml(readFileSync(file, 'utf8'), file);
  for (let length = path.length; length > 0; length -= 1) {
    const position = positions.get(pathId(path.slice(0, length)))?.value;
    if (position !== undefined) return { line: position.line, column: position.column };
  }
  return {};
}
