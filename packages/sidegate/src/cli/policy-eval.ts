/** `sidegate policy eval`: any query, answered as `opa eval` does. */
import { type Diagnostic, EvaluationError, type QueryResult } from '@sidegate/rego';
import { Command, Option } from 'commander';
import { EXIT } from './exit-code.ts';
import { compileSources, printFindings, readDocument } from './policy-files.ts';
import { type LocationOptions, locationsOf, withLocations } from './policy-options.ts';
import { FORMATS, type Format, formatResults } from './query-format.ts';
import type { StartFinding } from './start-finding.ts';

interface EvalOptions extends LocationOptions {
  readonly input?: string;
  readonly format: Format;
  readonly fail?: boolean;
  readonly failDefined?: boolean;
  readonly strict?: boolean;
  readonly strictBuiltinErrors?: boolean;
}

export function policyEvalCommand(): Command {
  return withLocations(new Command('eval'))
    .description('Answer any query: one object of variables for each solution, and the values of its literals.')
    .argument('<query>', 'such as data.order.allow, or \'some role in data.roles; role != "admin"\'')
    .option('-i, --input <file>', 'JSON or YAML document, - for standard input; without it input is undefined')
    .addOption(new Option('-f, --format <format>', 'how answers are written').choices(FORMATS).default('pretty'))
    .addOption(new Option('--fail', 'exit 1 when there is no answer').conflicts('failDefined'))
    .option('--fail-defined', 'exit 1 when there is an answer')
    .option('-S, --strict', 'refuse also unused imports, variables and arguments, and deprecated builtins')
    .option('--strict-builtin-errors', 'fail where a builtin cannot answer, instead of an undefined literal')
    .addHelpText(
      'after',
      '\nWhat print writes goes to standard error.' +
        '\nExit codes: 0 answered, 1 as --fail and --fail-defined say, 64 wrong command line, 78 wrong policy or input.',
    )
    .action((query: string, options: EvalOptions) => {
      process.exitCode = evaluate(query, options);
    });
}

function evaluate(query: string, options: EvalOptions): number {
  const { format, input: file, strict = false, strictBuiltinErrors = false } = options;
  const print = (line: string): unknown => process.stderr.write(`${line}\n`);
  const loaded = compileSources(locationsOf(options, false), { strict, print });
  const findings: StartFinding[] = loaded.ok ? [] : [...loaded.findings];
  const input = file === undefined ? undefined : readDocument(findings, file);
  if (!loaded.ok || findings.length > 0) {
    printFindings(findings, format === 'json');
    return EXIT.config;
  }
  const prepared = loaded.policy.results(query);
  if (!prepared.ok) {
    printFindings(prepared.diagnostics.map(queryFinding), format === 'json');
    return EXIT.usage;
  }
  return answer(() => prepared.evaluate(input, { strictBuiltinErrors }), options);
}

function answer(evaluation: () => readonly QueryResult[], { format, fail, failDefined }: EvalOptions): number {
  try {
    const results = evaluation();
    process.stdout.write(formatResults(results, format));
    const failed = results.length === 0 ? fail : failDefined;
    return failed === true ? EXIT.failed : EXIT.ok;
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    printFindings([evaluationFinding(error)], format === 'json');
    return EXIT.config;
  }
}

function queryFinding({ code, message, location: { row, col } }: Diagnostic): StartFinding {
  const place = { file: 'query', line: row, column: col };
  return { ...place, severity: 'error', message: `${code}: ${message}`, hint: '' };
}

function evaluationFinding({ code, message, location }: EvaluationError): StartFinding {
  const reason = message.slice(message.indexOf(code));
  if (location === undefined) return { file: 'query', severity: 'error', message: reason, hint: '' };
  const { file, row, col } = location;
  return { file, line: row, column: col, severity: 'error', message: reason, hint: '' };
}
