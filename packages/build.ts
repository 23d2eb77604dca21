/** `npm run build`: what the packages publish, in `dist/`: JavaScript and declarations of every source that is no test; the SDK's joined. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { joinModules } from './join-modules.ts';

const ROOT = path.join(import.meta.dirname, '..');
/** `sidegate` references the two that it needs, which are built before it. */
const PROJECTS = ['sidegate', 'eslint-plugin'].map((name) =>
  path.join(import.meta.dirname, name, 'tsconfig.build.json'),
);

for (const name of ['rego', 'sdk', 'sidegate', 'eslint-plugin']) {
  const directory = path.join(import.meta.dirname, name);
  removeOrphans(directory);
  copyFileSync(path.join(ROOT, 'LICENSE'), path.join(directory, 'LICENSE'));
}
const compiler = path.join(ROOT, 'node_modules/typescript/bin/tsc');
process.exitCode = spawnSync(process.execPath, [compiler, '--build', ...PROJECTS], { stdio: 'inherit' }).status ?? 1;
if (process.exitCode === 0) await joinModules(path.join(import.meta.dirname, 'sdk'));

/** The compiler writes what changed and leaves what is gone: a module whose source was removed would be published. */
function removeOrphans(directory: string): void {
  const dist = path.join(directory, 'dist');
  if (!existsSync(dist)) return;
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const source = path.join(directory, 'src', path.relative(dist, file)).replace(/(?:\.d\.ts|\.js)$/, '.ts');
    if (entry.isFile() && source.endsWith('.ts') && !existsSync(source)) rmSync(file);
  }
}
