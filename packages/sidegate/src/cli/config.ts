/** `sidegate config`: check configuration files, print their JSON Schema and the reference of their keys. */
import { Argument, Command, Option } from 'commander';
import { checkManifests } from '../config/check-manifests.ts';
import { type Diagnostic, renderDiagnostic } from '../config/diagnostic.ts';
import { jsonSchemaOf } from '../config/json-schema.ts';
import { type KindName, LOADERS } from '../config/load.ts';
import type { Loaded, LoadOptions } from '../config/load-document.ts';
import { referenceOf } from '../config/reference.ts';
import { chosenConfigFile, loadConfigFile } from './config-file.ts';
import { EXIT } from './exit-code.ts';

interface KindOptions {
  readonly kind: KindName;
}

interface CheckOptions {
  readonly kind: KindName | 'manifest';
  readonly root?: string;
  readonly json?: boolean;
}

/** The `config` command with its subcommands. */
export function configCommand(): Command {
  const kind = (): Option =>
    new Option('--kind <kind>', 'kind of file').choices(Object.keys(LOADERS)).default('sidecar');
  const check = new Command('check')
    .description('Report every mistake in configuration files, with line and column.')
    .addArgument(new Argument('[files...]', 'files to check; none: SIDEGATE_CONFIG or AUTHZ_CONFIG_PATH'))
    .addOption(
      new Option('--kind <kind>', 'kind of file; manifest: objects of Kubernetes, for what they let through')
        .choices([...Object.keys(LOADERS), 'manifest'])
        .default('sidecar'),
    )
    .option('--root <dir>', 'prefix of every absolute path in the files, as with chroot')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', '\nExit codes: 0 no errors (there may be warnings), 64 wrong command line, 78 errors.')
    .action((files: string[], options: CheckOptions, command: Command) => checkFiles(files, options, command));
  const schema = new Command('schema')
    .description('Print the JSON Schema (2020-12) of a kind of file.')
    .addOption(kind())
    .option('--json', 'the same; the output is always JSON')
    .addHelpText('after', '\nExit codes: 0 ok, 64 wrong command line.')
    .action(({ kind }: KindOptions) => print(JSON.stringify(jsonSchemaOf(kind), null, 2)));
  const reference = new Command('reference')
    .description('Print every key of a kind of file with its type, default and meaning, as Markdown.')
    .addOption(kind())
    .addHelpText('after', '\nExit codes: 0 ok, 64 wrong command line.')
    .action(({ kind }: KindOptions) => void process.stdout.write(referenceOf(kind)));
  return new Command('config')
    .description('Check configuration files.')
    .addCommand(check)
    .addCommand(schema)
    .addCommand(reference);
}

function checkFiles(named: readonly string[], options: CheckOptions, command: Command): void {
  const { env } = process;
  const files = named.length > 0 ? named : [chosenConfigFile(undefined, env)].filter((file) => file !== undefined);
  if (files.length === 0) command.error('error: no file to check', { exitCode: EXIT.usage });
  const load = loaderOf(options.kind, Date.now());
  const results = files.map((file) => {
    const loaded = loadConfigFile(load, file, { env, root: options.root });
    return { file, ok: loaded.ok, findings: loaded.ok ? loaded.warnings : loaded.diagnostics };
  });
  print(
    options.json === true ? JSON.stringify({ ok: results.every(({ ok }) => ok), files: results }) : report(results),
  );
  if (!results.every(({ ok }) => ok)) process.exitCode = EXIT.config;
}

function loaderOf(kind: CheckOptions['kind'], now: number): (text: string, loading: LoadOptions) => Loaded<unknown> {
  return kind === 'manifest' ? (text, { file }) => checkManifests(text, file, now) : LOADERS[kind];
}

function report(results: readonly { file: string; ok: boolean; findings: readonly Diagnostic[] }[]): string {
  return results
    .flatMap(({ file, ok, findings }) => [...findings.map(renderDiagnostic), `${file}: ${ok ? 'ok' : 'not usable'}`])
    .join('\n');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
