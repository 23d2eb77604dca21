/** Every rule is documented, is on in the recommended configuration, and refuses options that it does not know. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import sidegate from '@sidegate/eslint-plugin';
import { Linter } from 'eslint';

const PACKAGE = path.resolve(import.meta.dirname, '../../packages/eslint-plugin');
const RULES = Object.keys(sidegate.rules).sort();

test('every rule has its page, its file, its test and its line in the README, and nothing else has', () => {
  const named = (folder: string, ending: string): string[] =>
    readdirSync(path.join(PACKAGE, folder))
      .filter((file) => file.endsWith(ending) && (ending !== '.ts' || !file.endsWith('.test.ts')))
      .map((file) => file.slice(0, -ending.length))
      .sort();
  const readme = readFileSync(path.join(PACKAGE, 'README.md'), 'utf8');
  assert.deepEqual(named('docs/rules', '.md'), RULES);
  assert.deepEqual(named('src/rules', '.ts'), RULES);
  assert.deepEqual(named('src/rules', '.test.ts'), RULES);
  assert.deepEqual(
    [...readme.matchAll(/^\| \[([\w-]+)\]\(docs/gm)].map(([, name]) => name),
    RULES,
  );
  for (const rule of RULES) {
    const page = readFileSync(path.join(PACKAGE, 'docs/rules', `${rule}.md`), 'utf8');
    assert.match(page, new RegExp(`^# ${rule}\n`), rule);
  }
});

test('the recommended configuration turns every rule on', () => {
  const { rules } = sidegate.configs.recommended;
  assert.deepEqual(rules, Object.fromEntries(RULES.map((rule) => [`sidegate/${rule}`, 'error'])));
});

for (const rule of RULES) {
  test(`${rule} refuses an option that it does not know`, () => {
    const config = { plugins: { sidegate }, rules: { [`sidegate/${rule}`]: ['error', { nothing: true }] } };
    assert.throws(() => new Linter().verify('', [config as never]), /nothing|should NOT have more than 0 items/);
  });
}
