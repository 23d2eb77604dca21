/** The plugin beside code as people write it: every planted violation is found, at its line, and nothing else. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import sidegate from '@sidegate/eslint-plugin';
import { ESLint } from 'eslint';
import { TYPESCRIPT } from '../support/rule-cases.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CORPUS = path.join(import.meta.dirname, 'corpus');
const RULES = Object.keys(sidegate.rules);

type Linter = (folder: string) => Promise<readonly string[]>;

const LINTERS: Readonly<Record<string, Linter>> = { ESLint: byEslint, oxlint: byOxlint };

for (const [name, lint] of Object.entries(LINTERS)) {
  test(`S0-61 S0-63 S0-64 ${name} finds every planted violation of the corpus, and each at its line`, async () => {
    assert.deepEqual(await lint(path.join(CORPUS, 'violations')), planted());
  });

  test(`${name} finds nothing in the services that do it right`, async () => {
    assert.deepEqual(await lint(path.join(CORPUS, 'clean')), []);
  });
}

test('S1-104 a check lists the destructive tenant routes without the guard, and fails', async () => {
  const { code, report } = await oxlint(path.join(CORPUS, 'violations'), ['require-route-declaration']);
  const routes = report.diagnostics.flatMap(
    ({ message }) => /^(DELETE \S+) destroys a tenant's data/.exec(message)?.[1] ?? [],
  );
  assert.deepEqual(routes.sort(), [
    'DELETE /inventory/tenant/:tenantId',
    'DELETE /tenant/:tenant',
    'DELETE /tenant/:tenantId',
    'DELETE /tenant/:tenantId/archive',
  ]);
  assert.equal(code, 1);
  assert.equal((await oxlint(path.join(CORPUS, 'clean'), ['require-route-declaration'])).code, 0);
});

test('the corpus has a dozen services on each side, and plants every rule', () => {
  for (const side of ['violations', 'clean']) assert.ok(readdirSync(path.join(CORPUS, side)).length >= 12, side);
  const rules = new Set(planted().map((finding) => finding.split(' ')[1] ?? ''));
  assert.deepEqual(rules, new Set(RULES));
});

/** `file:line rule`, as the comments at the ends of the lines say. */
function planted(): readonly string[] {
  const folder = path.join(CORPUS, 'violations');
  const findings = readdirSync(folder).flatMap((file) =>
    readFileSync(path.join(folder, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        (/\/\/ finds: (.+)$/.exec(line)?.[1]?.split(', ') ?? []).map((rule) => `${file}:${index + 1} ${rule}`),
      ),
  );
  return findings.sort();
}

async function byEslint(folder: string): Promise<readonly string[]> {
  const config = { ...sidegate.configs.recommended, files: ['**/*.ts'], languageOptions: TYPESCRIPT };
  const eslint = new ESLint({ cwd: folder, overrideConfigFile: true, overrideConfig: [config] });
  const results = await eslint.lintFiles(['.']);
  const findings = results.flatMap(({ filePath, messages }) =>
    messages.map(({ line, ruleId, message }) => `${path.basename(filePath)}:${line} ${ruleId?.slice(9) ?? message}`),
  );
  return findings.sort();
}

async function byOxlint(folder: string): Promise<readonly string[]> {
  const { report } = await oxlint(folder, RULES);
  const findings = report.diagnostics.map(({ code, filename, labels }) => {
    const rule = /^sidegate\((.+)\)$/.exec(code)?.[1] ?? code;
    return `${path.basename(filename)}:${labels[0]?.span.line ?? 0} ${rule}`;
  });
  return findings.sort();
}

interface OxlintReport {
  readonly diagnostics: readonly {
    readonly code: string;
    readonly message: string;
    readonly filename: string;
    readonly labels: readonly { readonly span: { readonly line: number } }[];
  }[];
}

async function oxlint(folder: string, rules: readonly string[]): Promise<{ code: number; report: OxlintReport }> {
  const scratch = mkdtempSync(path.join(tmpdir(), 'sidegate-oxlint-'));
  try {
    const config = path.join(scratch, 'oxlintrc.json');
    const specifier = path.join(ROOT, 'packages/eslint-plugin/src/index.ts');
    const content = {
      plugins: [],
      categories: { correctness: 'off' },
      jsPlugins: [{ name: 'sidegate', specifier }],
      rules: Object.fromEntries(rules.map((rule) => [`sidegate/${rule}`, 'error'])),
    };
    writeFileSync(config, JSON.stringify(content));
    return await run(
      [path.join(ROOT, 'node_modules/oxlint/bin/oxlint'), '--config', config, '--format', 'json', '.'],
      folder,
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function run(args: readonly string[], cwd: string): Promise<{ code: number; report: OxlintReport }> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (stdout.startsWith('{') && typeof code === 'number')
        resolve({ code, report: JSON.parse(stdout) as OxlintReport });
      else reject(new Error(`oxlint: ${stderr}`, { cause: error }));
    });
  });
}
