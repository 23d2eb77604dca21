/** What `npm run test:peers` runs: Keycloak, which takes its time to start, beside everything else. */
import { globSync } from 'node:fs';
import path from 'node:path';
import { runBeside } from '../support/beside.ts';
import '../support/compile-cache.ts';

const OPTIONS = ['--conditions=@sidegate/source', '--test', '--test-isolation=none'];

const files = globSync('*.test.ts', { cwd: import.meta.dirname }).toSorted();
const { keycloak = [], others = [] } = Object.groupBy(files, (name) =>
  name.startsWith('keycloak') ? 'keycloak' : 'others',
);
await runBeside(
  [others, keycloak].map((names) => [...OPTIONS, ...names.map((name) => path.join(import.meta.dirname, name))]),
);
