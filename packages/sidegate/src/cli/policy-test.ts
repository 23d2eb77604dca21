/** `sidegate policy test`: runs `*_test.rego` as `opa test` does. */

import { type CoverageReport, formatTests, type TestReport, testsAsJson } from '@sidegate/rego';
import { Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/duration.ts';
import { EXIT } from './exit-code.ts';
import { loadPolicy, printFindings } from './policy-files.ts';
import { type LocationOptions, locationsOf, withData } from './policy-options.ts';

interface TestCommandOptions extends LocationOptions {
  readonly run?: RegExp;
  readonly coverage?: boolean;
  readonly threshold?: number;
  readonly timeout: number;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

export function policyTestCommand(): Command {
  return withData(new Command('test'))
    .description('Run the rules test_… of policies.')
    .argument('<path...>', 'folders or files of policies, tests and data, or a bundle (.tar.gz)')
    .option('-r, --run <regex>', 'only tests whose full name (data.order_test.test_get) matches', readPattern)
    .option('-c, --coverage', 'tell what no test reaches; with --json, opa’s coverage report instead of the results')
    .option('--threshold <percent>', 'fail when fewer lines are covered; implies --coverage', readPercent)
    .option('-t, --timeout <duration>', 'how long a test may take, such as 500ms', readTimeout, 5_000)
    .option('-v, --verbose', 'name also the tests that pass')
    .option('--json', 'print the results as opa test --format json does')
    .addHelpText(
      'after',
      '\nA test is a rule named test_…; it passes with true. todo_test_… is skipped.' +
        '\nExit codes: 0 all pass, 1 one does not, or there is none, 64 wrong command line, 78 wrong policy.',
    )
    .action((paths: readonly string[], options: TestCommandOptions) => {
      process.exitCode = runTests(paths, options);
    });
}

function runTests(paths: readonly string[], options: TestCommandOptions): number {
  const { run, threshold, json = false, verbose = false } = options;
  // Whoever listens to print keeps its calls; each test collects its own lines.
  const loaded = loadPolicy(locationsOf(options, true, paths), {
    print: () => {},
    limits: { milliseconds: options.timeout, steps: Number.MAX_SAFE_INTEGER },
  });
  if (!loaded.ok) {
    printFindings(loaded.findings, json);
    return EXIT.config;
  }
  const coverage = options.coverage === true || threshold !== undefined;
  const report = loaded.policy.test({
    coverage,
    explain: !json,
    ...(run === undefined ? {} : { filter: (name) => run.test(name) }),
  });
  process.stdout.write(json ? asJson(report) : asText(report, verbose));
  const percent = report.coverage?.coverage ?? 100;
  const passes =
    report.results.length > 0 && report.results.every(({ outcome }) => outcome === 'pass' || outcome === 'skip');
  return passes && percent >= (threshold ?? 0) ? EXIT.ok : EXIT.failed;
}

function asJson(report: TestReport): string {
  return `${JSON.stringify(report.coverage ?? testsAsJson(report), undefined, 2)}\n`;
}

function asText(report: TestReport, verbose: boolean): string {
  const tests = report.results.length === 0 ? 'no test was found\n' : formatTests(report, { verbose });
  return report.coverage === undefined ? tests : `${tests}${coverageText(report.coverage)}`;
}

function coverageText({ files, coverage }: CoverageReport): string {
  const lines = Object.entries(files)
    .filter(([, { not_covered }]) => not_covered.length > 0)
    .map(([file, { coverage: percent, not_covered }]) => {
      const places = not_covered.map(({ start }) => `${start.row}:${start.col}`).join(', ');
      return `  ${file}: ${shown(percent)}, not reached: ${places}`;
    });
  return `${[`coverage: ${shown(coverage)} of lines`, ...lines].join('\n')}\n`;
}

function shown(percent: number): string {
  return `${Math.floor(percent * 10) / 10} %`;
}

function readPattern(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function readPercent(text: string): number {
  const percent = Number(text);
  if (text.trim() === '' || !(percent >= 0 && percent <= 100)) throw new InvalidArgumentError('give 0 to 100.');
  return percent;
}

function readTimeout(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined || milliseconds <= 0) throw new InvalidArgumentError('give a duration such as 500ms.');
  return milliseconds;
}
