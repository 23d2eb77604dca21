/** Arbitrary input: a loader answers with findings, it never throws, hangs or shows what it must not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { renderDiagnostic } from './diagnostic.ts';
import { LOADERS } from './load.ts';

const OPTIONS = {
  file: 'f.yaml',
  env: { A: 'a', AUTHZ_HTTP_ADDR: ':1' },
  readFile: (path: string): string => {
    throw new Error(`no ${path}`);
  },
};

/** Loads with every loader, and checks what holds for every answer. */
function answers(text: string): void {
  for (const load of Object.values(LOADERS)) {
    const loaded = load(text, OPTIONS);
    const found = loaded.ok ? loaded.warnings : loaded.diagnostics;
    assert.equal(loaded.ok, !found.some(({ severity }) => severity === 'error'));
    for (const diagnostic of found) {
      assert.ok(diagnostic.line >= 1 && diagnostic.column >= 1);
      assert.ok(!/[\r\n]/.test(renderDiagnostic(diagnostic)), 'one line a finding');
    }
  }
}

test('no text makes a loader throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), answers), { numRuns: 150 });
});

const yamlish = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'http',
        'tls',
        'proxy',
        'routes',
        'egress',
        'targets',
        'jwt',
        'identities',
        'services',
        'clients',
        'hosts',
      ),
      fc.constantFrom(
        ': ',
        ':\n  ',
        ':\n    ',
        '\n',
        '\n  ',
        '- ',
        '{',
        '}',
        '[',
        ']',
        ', ',
        '"',
        "'",
        '&a ',
        '*a',
        '!!map ',
        '? ',
        '<<',
      ),
      fc.constantFrom(
        '${A}',
        '${B}',
        '${',
        '~',
        'null',
        'true',
        '0x1',
        '.inf',
        '5m',
        '__proto__',
        'constructor',
        '\u0000',
        '\ud800',
      ),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

test('no text that resembles YAML makes a loader throw', () => {
  fc.assert(fc.property(yamlish, answers), { numRuns: 150 });
});

const KEYS = [
  'http',
  'tls',
  'addr',
  'enabled',
  'proxy',
  'mtls',
  'routes',
  'path',
  'egress',
  'targets',
  'auth',
  'type',
  'jwt',
].concat([
  'issuers',
  'audience',
  'identities',
  'headers',
  'inject_claims',
  'toString',
  'hasOwnProperty',
  'clients',
  'secret',
  'secret_file',
]);

test('no tree of known keys and arbitrary values makes a loader throw', () => {
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, 0, -1, 1.5, '', 'none', 'oauth2_client_credentials', '/a', 'https://a', '${A}'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...KEYS), tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => answers(JSON.stringify(value))),
    { numRuns: 150 },
  );
});
