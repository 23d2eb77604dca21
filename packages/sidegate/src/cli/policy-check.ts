/** `sidegate policy check`: everything that is wrong with policies and their data. */
import { Command } from 'commander';
import { EXIT } from './exit-code.ts';
import { loadPolicy, printFindings } from './policy-files.ts';
import { type LocationOptions, locationsOf, withData } from './policy-options.ts';

interface CheckOptions extends LocationOptions {
  readonly strict?: boolean;
  readonly json?: boolean;
}

export function policyCheckCommand(): Command {
  return withData(new Command('check'))
    .description('Compile policies, tests included, with their data, and say all that is wrong with them.')
    .argument('<path...>', 'folders or files of policies and data, or a bundle (.tar.gz)')
    .option('-S, --strict', 'refuse also unused imports, variables and arguments, and deprecated builtins')
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', '\nExit codes: 0 all compile, 64 wrong command line, 78 a policy is wrong.')
    .action((paths: readonly string[], options: CheckOptions) => {
      process.exitCode = check(paths, options);
    });
}

function check(paths: readonly string[], options: CheckOptions): number {
  const { json = false, strict = false } = options;
  const loaded = loadPolicy(locationsOf(options, true, paths), { strict });
  printFindings(loaded.ok ? loaded.warnings : loaded.findings, json);
  if (!loaded.ok) return EXIT.config;
  const count = loaded.files.length;
  if (!json) process.stdout.write(`${count} policy ${count === 1 ? 'file is' : 'files are'} sound\n`);
  return EXIT.ok;
}
