/** `sidegate policy check`: everything that is wrong with a folder or bundle of policies. */
import { Command } from 'commander';
import { EXIT } from './exit-code.ts';
import { loadPolicy, printFindings } from './policy-files.ts';

interface CheckOptions {
  readonly json?: boolean;
}

export function policyCheckCommand(): Command {
  return new Command('check')
    .description('Compile all policies of a folder or bundle, tests included, and say all that is wrong with them.')
    .argument('<dir>', 'folder of .rego files, or a bundle (.tar.gz)')
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', '\nExit codes: 0 all compile, 64 wrong command line, 78 a policy is wrong.')
    .action((directory: string, { json = false }: CheckOptions) => {
      const loaded = loadPolicy({ directory, dataFile: undefined, tests: true });
      const findings = loaded.ok ? loaded.warnings : loaded.findings;
      printFindings(findings, json);
      if (!json && loaded.ok) process.stdout.write(`${loaded.files.length} policy files are sound\n`);
      process.exitCode = loaded.ok ? EXIT.ok : EXIT.config;
    });
}
