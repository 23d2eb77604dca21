import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPrivateKey } from '../identity/key-pair.ts';
import { permissionsFor } from './kept-file.ts';

const [ROOT, SIDECAR, OTHER] = [0, 1_000, 1_001];

for (const [title, owner, self, mode] of [
  ['that everybody can read is refused, whoever keeps it', ROOT, SIDECAR, 0o444],
  ['that the group can write is refused, also where root keeps it', ROOT, SIDECAR, 0o460],
  ['of another user that the group can read is refused', OTHER, SIDECAR, 0o440],
  ['of our own that the group can read is refused', SIDECAR, SIDECAR, 0o640],
  ['of root that the group can read is refused to root', ROOT, ROOT, 0o440],
  ['that the group can read is refused where there are no users', ROOT, undefined, 0o440],
] as const) {
  test(`a private key ${title}`, () => assert.equal(isRefused({ mode, uid: owner }, self), true));
}

test('a private key that Kubernetes mounts for a pod that is not root is taken', () => {
  assert.equal(isRefused({ mode: 0o100440, uid: ROOT }, SIDECAR), false);
});

test('a private key that only its owner can read is taken', () => {
  for (const owner of [ROOT, SIDECAR, OTHER]) assert.equal(isRefused({ mode: 0o400, uid: owner }, SIDECAR), false);
});

function isRefused(stats: { readonly mode: number; readonly uid: number }, self: number | undefined): boolean {
  const loaded = loadPrivateKey('server.key', () => ({ text: 'no key', mode: permissionsFor(stats, self) }));
  assert.equal(loaded.ok, false);
  return !loaded.ok && loaded.findings.some(({ message }) => message.includes('others can read'));
}
