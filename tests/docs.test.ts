/** Documentation that lies is worse than none: every example compiles, every linked file is there, the README stays short. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.join(import.meta.dirname, '..');
/** Below the workspace, so that its packages resolve; ignored by git. */
const SCRATCH = path.join(ROOT, 'node_modules/.cache/docs');

/** What an example may take for granted: the ports that whoever assembles a process has. */
const PORTS = `import type { Clock, HttpClient, Random, Schedule } from '@sidegate/sdk';
declare global {
  const http: HttpClient;
  const clock: Clock;
  const random: Random;
  const schedule: Schedule;
}
`;

interface Example {
  /** `file:line` of its first line. */
  readonly place: string;
  readonly code: string;
}

test('every TypeScript example compiles', () => {
  const examples = [...tracked('*.md').flatMap(markdownExamples), ...tracked('packages/*.ts').flatMap(commentExamples)];
  assert.ok(examples.length > 3, 'there are examples');
  rmSync(SCRATCH, { recursive: true, force: true });
  mkdirSync(SCRATCH, { recursive: true });
  const names = examples.map(({ code }, index) => {
    const name = `example-${index}.ts`;
    writeFileSync(path.join(SCRATCH, name), `${code}\nexport {};\n`);
    return name;
  });
  writeFileSync(path.join(SCRATCH, 'ports.ts'), PORTS);
  const config = {
    extends: path.join(ROOT, 'tsconfig.json'),
    include: [...names, 'ports.ts'],
    compilerOptions: { noUnusedLocals: false },
  };
  writeFileSync(path.join(SCRATCH, 'tsconfig.json'), JSON.stringify(config));
  const complaints = compile().replaceAll(
    /\S*example-(\d+)\.ts/g,
    (_, index: string) => examples[Number(index)]?.place ?? '',
  );
  assert.equal(complaints, '');
});

test('each promise of SECURITY.md names a test that is there', () => {
  const text = readFileSync(path.join(ROOT, 'SECURITY.md'), 'utf8');
  for (const [chapter, count] of [
    ['Ten promises', 10],
    ['The signing side', 5],
  ] as const) {
    const promises = text.split(/^## /m).find((part) => part.startsWith(`${chapter}\n`)) ?? '';
    const items = promises.split(/^\d+\. /m).slice(1);
    assert.equal(items.length, count, chapter);
    for (const item of items) {
      const named = [...item.matchAll(/`([^`]+)`\s+in\s+`([^`]+\.test\.ts)`/g)];
      assert.ok(named.length > 0, item);
      for (const [, title = '', file = ''] of named) {
        assert.ok(readFileSync(path.join(ROOT, file), 'utf8').includes(title), `${file}: ${title}`);
      }
    }
  }
});

test('S4-084 S4-089 the page on SPIFFE says who does what at SPIRE, and when to use it', () => {
  const page = readFileSync(path.join(ROOT, 'docs/spiffe.md'), 'utf8').replaceAll(/\s+/g, ' ');
  for (const statement of [
    /SPIRE server, one per cluster or region: signs SVIDs/,
    /SPIRE agent, a DaemonSet: one per node/,
    /looks up who called its socket, and which entry matches/,
    /presents its SVID to others/,
    /several clouds or clusters, where identity must span them \| a single cluster with Istio or Linkerd/,
    /identity that no provider owns/,
  ]) {
    assert.match(page, statement);
  }
});

test('every relative link leads to a file', () => {
  const broken = tracked('*.md').flatMap((file) => {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)].map(([, link = '']) => link);
    return links
      .filter((link) => !existsSync(path.join(ROOT, path.dirname(file), link)))
      .map((link) => `${file}: ${link}`);
  });
  assert.deepEqual(broken, []);
});

test('every source file that the documentation names is there', () => {
  const sources = tracked('packages/*.ts');
  const broken = tracked('docs/*.md').flatMap((file) => {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    const named = [...text.matchAll(/`([a-z][\w./-]*\.ts)`/g)].map(([, name = '']) => name);
    return named.filter(
      (name) => !sources.some((source) => source.endsWith(`/${name}`)) && !existsSync(path.join(ROOT, name)),
    );
  });
  assert.deepEqual(broken, []);
});

test('the table of faults is that of the tests, row by row', () => {
  const files = [...tracked('tests/faults/*.test.ts'), ...tracked('tests/peers/*-faults.test.ts')];
  const rows = files.flatMap((file) => {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    return [...text.matchAll(/(?:\brow\(|\btitle:)\s*'(?:S\d-\d+ )*([^':]+): ([^']+)'/g)].map(
      ([, broken, holds]) => `| ${broken} | ${holds} | \`${file}\` |`,
    );
  });
  assert.ok(rows.length > 20, 'there are rows');
  const documented = readFileSync(path.join(ROOT, 'docs/faults.md'), 'utf8').match(/^\| .+ \| `\S+\.test\.ts` \|$/gm);
  assert.deepEqual(documented?.toSorted(), rows.toSorted());
});

test('the README has at most 100 lines', () => {
  const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8').replace(/<!-- bench -->.*<!-- \/bench -->/s, '');
  assert.ok(readme.split('\n').length <= 101, 'what the benchmark writes is not counted');
});

function tracked(pattern: string): string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', pattern], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return listed.split('\n').filter((file) => file !== '' && existsSync(path.join(ROOT, file)));
}

function markdownExamples(file: string): Example[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => placed(file, text, match, match[1] ?? ''));
}

/** Examples in TSDoc see what their package exports without importing it. */
function commentExamples(file: string): Example[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return [...text.matchAll(/^ *\* ```ts\n(.*?)^ *\* ```$/gms)].map((match) => {
    const code = (match[1] ?? '').replaceAll(/^ *\* ?/gm, '');
    return placed(file, text, match, `${importsFor(file, code)}${code}`);
  });
}

function placed(file: string, text: string, match: RegExpExecArray, code: string): Example {
  return { place: `${file}:${text.slice(0, match.index).split('\n').length + 1}`, code };
}

function importsFor(file: string, code: string): string {
  const name = file.split('/')[1] ?? '';
  const index = readFileSync(path.join(ROOT, 'packages', name, 'src/index.ts'), 'utf8');
  const exported = [...index.matchAll(/^export (?!type)\{([^}]*)\}/gms)].flatMap(([, list = '']) => list.split(','));
  const values = exported.map((each) => each.trim()).filter((each) => each !== '' && !each.startsWith('type '));
  const used = values.filter((value) => new RegExp(`\\b${value}\\b`).test(code));
  return used.length === 0 ? '' : `import { ${used.join(', ')} } from '@sidegate/${name}';\n`;
}

function compile(): string {
  try {
    execFileSync(path.join(ROOT, 'node_modules/.bin/tsc'), ['-p', SCRATCH, '--pretty', 'false'], { encoding: 'utf8' });
    return '';
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
  }
}
