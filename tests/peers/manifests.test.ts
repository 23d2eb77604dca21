/** What `sidegate generate` writes, decoded strictly with the types of Kubernetes, Istio and cert-manager themselves. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { manifestDecoder, withoutDecoder } from './manifest-decoder.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MAIN = path.join(ROOT, 'packages/sidegate/src/cli/main.ts');

function decode(text: string) {
  const { status, stdout } = spawnSync(manifestDecoder() ?? '', { input: text, encoding: 'utf8' });
  return { status, lines: stdout.trimEnd().split('\n') };
}

/** Each file; those of External Secrets have types that take too long to build here. */
function generated(...args: readonly string[]): readonly string[] {
  const out = mkdtempSync(path.join(tmpdir(), 'sidegate-decoded-'));
  try {
    const command = ['--conditions=@sidegate/source', MAIN, 'generate', ...args, '--out', out];
    execFileSync(process.execPath, command, { stdio: 'pipe' });
    const files = readdirSync(out).filter((name) => name !== 'external-secrets.yaml');
    return files.map((name) => readFileSync(path.join(out, name), 'utf8'));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

describe('manifests beside the types of those who read them', { skip: withoutDecoder() }, () => {
  const ROWS: readonly (readonly [title: string, text: string])[] = [
    ['an unknown field', 'apiVersion: apps/v1\nkind: Deployment\nspec: { replcas: 1 }\n'],
    [
      'a mode that is none',
      'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nspec: { mtls: { mode: STRIKT } }\n',
    ],
    ['a duration that is none', 'apiVersion: cert-manager.io/v1\nkind: Certificate\nspec: { duration: 1d }\n'],
    ['a text where a number is due', 'apiVersion: v1\nkind: Service\nspec: { ports: [{ port: "8443" }] }\n'],
    ['another kind', 'apiVersion: v1\nkind: Secret\n'],
  ];
  for (const [title, text] of ROWS) test(`${title} is refused`, () => assert.equal(decode(text).status, 1));

  for (const args of [
    ['kubernetes', path.join(ROOT, 'examples/kubernetes'), '--revision', 'c0ffee'],
    ['kubernetes', path.join(ROOT, 'examples/three-zones')],
    ['istio', path.join(ROOT, 'examples/kubernetes')],
    ['istio', path.join(ROOT, 'examples/kubernetes'), '--api-version', 'v1'],
  ]) {
    test(`what generate ${[args[0], ...args.slice(2)].join(' ')} writes for ${path.basename(args[1] ?? '')} is read`, () => {
      const files = generated(...args);
      assert.ok(files.length > 1);
      for (const text of files) {
        const { status, lines } = decode(text);
        assert.equal(status, 0, lines.join('\n'));
      }
    });
  }

  test('the manifests that we ship for a cluster are read', () => {
    for (const file of [
      'deploy/kubernetes/network-policy.yaml',
      'examples/tenant-deletion/kubernetes/orchestrator.yaml',
    ])
      assert.deepEqual(decode(readFileSync(path.join(ROOT, file), 'utf8')).status, 0, file);
  });
});
