/** Semantic versions (2.0.0), with a `v` before them if one likes. */
import type { Builtin } from './builtin.ts';
import { BuiltinError } from './builtin.ts';
import { stringOperand } from './operand.ts';
import { ANY, BOOLEAN, NUMBER, STRING } from './type.ts';

export const SEMVER: readonly Builtin[] = [
  {
    name: 'semver.is_valid',
    args: [ANY],
    result: BOOLEAN,
    evaluate: (_, version) => typeof version === 'string' && parseVersion(version) !== undefined,
  },
  {
    name: 'semver.compare',
    args: [STRING, STRING],
    result: NUMBER,
    evaluate: (_, a, b) =>
      compareVersions(versionOperand(stringOperand(a, 1), 1), versionOperand(stringOperand(b, 2), 2)),
  },
];

interface Version {
  readonly numbers: readonly bigint[];
  readonly prerelease: readonly string[];
}

/** OPA reads 64-bit integers. */
const MAX_NUMBER = 2n ** 63n - 1n;
const IDENTIFIERS = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const VERSION = new RegExp(
  `^v?(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(?:-(${IDENTIFIERS}))?(?:\\+${IDENTIFIERS})?$`,
);

function versionOperand(text: string, position: number): Version {
  const version = parseVersion(text);
  if (version === undefined) throw new BuiltinError(`operand ${position}: string "${text}" is not a valid SemVer`);
  return version;
}

function parseVersion(text: string): Version | undefined {
  const match = VERSION.exec(text);
  if (match === null) return undefined;
  const [, major = '', minor = '', patch = '', prerelease = ''] = match;
  const numbers = [BigInt(major), BigInt(minor), BigInt(patch)];
  const parts = prerelease === '' ? [] : prerelease.split('.');
  if (numbers.some((number) => number > MAX_NUMBER) || parts.some((part) => /^0\d+$/.test(part))) return undefined;
  return { numbers, prerelease: parts };
}

function compareVersions(a: Version, b: Version): number {
  for (let index = 0; index < 3; index += 1) {
    const [left = 0n, right = 0n] = [a.numbers[index], b.numbers[index]];
    if (left !== right) return left < right ? -1 : 1;
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) {
    return Math.sign(b.prerelease.length - a.prerelease.length);
  }
  return comparePrereleases(a.prerelease, b.prerelease);
}

/** Part by part; numbers numerically and before words, fewer parts first. */
function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [left, right] = [a[index], b[index]];
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
    if (left === right) continue;
    const [leftNumeric, rightNumeric] = [/^\d+$/.test(left), /^\d+$/.test(right)];
    if (leftNumeric && rightNumeric) return BigInt(left) < BigInt(right) ? -1 : 1;
    if (leftNumeric !== rightNumeric) return leftNumeric ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return 0;
}
