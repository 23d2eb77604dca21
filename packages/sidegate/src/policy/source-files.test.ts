import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempDisposableSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { findSources, type SourceLimits } from './source-files.ts';

const LIMITS: SourceLimits = { entries: 20, bytes: 1_000, depth: 3 };

interface Tree {
  /** Contents by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Targets by path, from the folder on when they are relative. */
  readonly links?: Readonly<Record<string, string>>;
  readonly tests?: boolean;
  /** What is named, below the folder. */
  readonly start?: string;
}

function find({ files = {}, links = {}, tests = false, start = 'root' }: Tree) {
  using folder = mkdtempDisposableSync(path.join(tmpdir(), 'sidegate-sources-'));
  const at = (name: string): string => path.join(folder.path, name);
  mkdirSync(at('root'));
  for (const name of [...Object.keys(files), ...Object.keys(links)]) {
    mkdirSync(path.dirname(at(name)), { recursive: true });
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text);
  for (const [name, target] of Object.entries(links)) symlinkSync(target, at(name));
  const { files: found, findings } = findSources(at(start), tests, LIMITS);
  const named = (file: string): string => path.relative(folder.path, file);
  return {
    files: Object.fromEntries(found.map(({ file, folders }) => [named(file), folders.join('/')])),
    findings: findings.map(({ file, severity, message }) => {
      return `${named(file)}: ${severity}: ${message.replaceAll(`${folder.path}/`, '')}`;
    }),
  };
}

describe('what is refused', () => {
  const FILES = { 'root/a.rego': '' };
  const CASES: readonly (readonly [title: string, tree: Tree, finding: string])[] = [
    ['a place that is not there', { start: 'nowhere' }, 'nowhere: error: cannot be read (ENOENT)'],
    [
      'a file that is no source',
      { files: { 'root/x.txt': '' }, start: 'root/x.txt' },
      'root/x.txt: error: is no policy and no data',
    ],
    [
      'a link to a file elsewhere',
      { files: { ...FILES, 'secret.json': '{}' }, links: { 'root/b.json': '../secret.json' } },
      'root/b.json: error: is a link out of root',
    ],
    [
      'a link to a file elsewhere by its whole path',
      { files: FILES, links: { 'root/b.json': '/etc/passwd' } },
      'root/b.json: error: is a link out of root',
    ],
    [
      'a link to a folder beside with a longer name',
      { files: { ...FILES, 'root2/x.json': '{}' }, links: { 'root/b': '../root2' } },
      'root/b: error: is a link out of root',
    ],
    [
      'a link through a link',
      { files: { ...FILES, 'other/x.json': '{}' }, links: { 'root/c.json': 'd/x.json', 'root/d': '../other' } },
      'root/c.json: error: is a link out of root',
    ],
    [
      'a link to the folder around it',
      { files: FILES, links: { 'root/in/up': '..' } },
      'root/in/up: error: is a link to a folder around it',
    ],
    [
      'a link to itself',
      { files: FILES, links: { 'root/b.json': 'b.json' } },
      'root/b.json: error: cannot be read (ELOOP)',
    ],
    [
      'a link to nothing',
      { files: FILES, links: { 'root/b.json': 'c.json' } },
      'root/b.json: error: cannot be read (ENOENT)',
    ],
    [
      'a bundle in a folder',
      { files: { 'root/b.tar.gz': '' } },
      'root/b.tar.gz: error: is a bundle in a folder of policies',
    ],
    [
      'a folder that is too deep',
      { files: { 'root/a/b/c/d/x.json': '' } },
      'root/a/b/c/d: error: is below more than 3 folders',
    ],
  ];
  for (const [title, tree, finding] of CASES) {
    test(title, () => {
      const { findings } = find(tree);
      assert.ok(findings.includes(finding), findings.join('\n'));
    });
  }

  test('too many files, read or not', () => {
    const files = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`root/${i}.txt`, '']));
    assert.deepEqual(find({ files }).findings, ['root: error: has more than 20 files']);
  });

  test('folders that links multiply', () => {
    const links = Object.fromEntries(
      ['a', 'b', 'c'].flatMap((name, i) => [1, 2, 3].map((n) => [`root/${name}/${n}`, `../${'bcd'[i]}`])),
    );
    const { findings } = find({ files: { 'root/d/x.json': '{}' }, links });
    assert.ok(
      findings.some((each) => /more than 20 files/.test(each)),
      findings.join('\n'),
    );
  });

  test('too many bytes, before they are read', () => {
    const { files, findings } = find({ files: { 'root/a.json': 'x'.repeat(600), 'root/b.json': 'x'.repeat(600) } });
    assert.deepEqual(Object.keys(files), ['root/a.json']);
    assert.match(findings.join(), /^root: error: holds more than .* MiB$/);
  });

  test('a socket, from which nobody could read', { skip: process.platform === 'win32' }, async () => {
    using folder = mkdtempDisposableSync(path.join(tmpdir(), 'sidegate-sources-'));
    const server = createServer().listen(path.join(folder.path, 'p.rego'));
    await once(server, 'listening');
    const { findings } = findSources(folder.path, false);
    server.close();
    assert.match(findings[0]?.message ?? '', /is no regular file/);
  });
});

describe('what is found', () => {
  test('sources, in the order of their names, with the folders that lead to them', () => {
    const files = {
      'root/b/c/x.yml': '',
      'root/b/x.yaml': '',
      'root/a.rego': '',
      'root/data.json': '',
      'root/x.txt': '',
    };
    assert.deepEqual(find({ files }), {
      files: { 'root/a.rego': '', 'root/b/c/x.yml': 'b/c', 'root/b/x.yaml': 'b', 'root/data.json': '' },
      findings: [],
    });
  });

  test('tests only when they are wanted, or named', () => {
    const files = { 'root/a_test.rego': '' };
    assert.deepEqual(find({ files }).files, {});
    assert.deepEqual(find({ files, tests: true }).files, { 'root/a_test.rego': '' });
    assert.deepEqual(find({ files, start: 'root/a_test.rego' }).files, { 'root/a_test.rego': '' });
  });

  test('nothing that is hidden, and a warning where it looks like a source', () => {
    const files = { 'root/.git/x.json': '', 'root/.a.rego': '', 'root/.signatures.json': '', 'root/.env': '' };
    assert.deepEqual(find({ files }), {
      files: {},
      findings: [
        'root/.a.rego: warning: is hidden and not loaded',
        'root/.signatures.json: warning: is hidden and not loaded',
      ],
    });
  });

  test('each file of a Kubernetes volume once', () => {
    const files = { 'root/..2026_11/a.rego': '', 'root/..2026_11/in/x.json': '' };
    const links = { 'root/..data': '..2026_11', 'root/a.rego': '..data/a.rego', 'root/in': '..data/in' };
    assert.deepEqual(find({ files, links }), { files: { 'root/a.rego': '', 'root/in/x.json': 'in' }, findings: [] });
  });
});
