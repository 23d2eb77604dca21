/**
 * The modules of a package joined: one file for each entry point, one for what several of them share, and what only some calls need in
 * files that are loaded with the first of them. A service loads few files and few bytes at its start (docs/decisions/0030).
 */
import { globSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build, type Plugin } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';

/** What stands on structured-headers, which costs an import as much as half of the rest does. */
const STRUCTURED_FIELDS = /\/src\/signatures\/(?!legacy-x-signature|python-json)/;

/** An uncaught error prints the whole line that it comes from. */
const lineForEachStatement: Plugin = {
  name: 'line-for-each-statement',
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk') continue;
      const { code } = chunk;
      const statements = parseAst(code).body.map(({ start, end }) => code.slice(start, end));
      chunk.code = `${statements.join('\n')}\n`;
    }
  },
};

/** The compiler writes declarations alone for such a package; what an earlier build left of the rest would be published. */
export async function joinModules(directory: string): Promise<void> {
  const { exports } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, { readonly '@sidegate/source': string }>>;
  };
  for (const file of globSync('dist/**/*.js', { cwd: directory })) rmSync(path.join(directory, file));
  const sources = Object.values(exports).map((conditions) => conditions['@sidegate/source']);
  await build({
    cwd: directory,
    input: Object.fromEntries(sources.map((file) => [file.replace(/^\.\/src\/|\.ts$/g, ''), file])),
    platform: 'node',
    external: /^[^./]/,
    plugins: [lineForEachStatement],
    output: {
      dir: path.join(directory, 'dist'),
      entryFileNames: '[name].js',
      chunkFileNames: 'shared/[name].js',
      codeSplitting: { groups: [{ name: 'core', minShareCount: 2, test: (id) => !STRUCTURED_FIELDS.test(id) }] },
      comments: false,
      // Functions and classes keep their names: a stack trace says where it was.
      minify: {
        compress: { target: 'es2024', keepNames: { function: true, class: true } },
        mangle: { toplevel: false, keepNames: true },
        codegen: { removeWhitespace: true },
      },
    },
  });
}
