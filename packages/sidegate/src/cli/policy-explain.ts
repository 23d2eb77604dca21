/** `sidegate policy explain`: why a policy decides as it does, and what would change it. */
import { explanationAsJson, formatExplanation, type Policy, type Value } from '@sidegate/rego';
import { Command } from 'commander';
import { EXIT } from './exit-code.ts';
import { loadPolicy, printFindings, readDocument } from './policy-files.ts';
import { type LocationOptions, locationsOf, noLocation, withLocations } from './policy-options.ts';
import type { StartFinding } from './start-finding.ts';

interface ExplainCommandOptions extends LocationOptions {
  readonly input: string;
  readonly json?: boolean;
}

export function policyExplainCommand(): Command {
  return withLocations(new Command('explain'))
    .description(
      'Say why a policy decides as it does, and the smallest change of the input that would decide otherwise.',
    )
    .argument('<query>', 'data.<package>.<rule>')
    .option('-i, --input <file>', 'JSON or YAML document, - for standard input', '-')
    .option('--json', 'print the explanation as JSON')
    .addHelpText(
      'after',
      '\nThe explanation shows values of the input: do not publish one of a real token.' +
        '\nExit codes: 0 allowed, 1 denied, 64 wrong command line, 78 wrong policy or input.',
    )
    .action((query: string, options: ExplainCommandOptions) => {
      process.exitCode = explain(query, options);
    });
}

function explain(query: string, options: ExplainCommandOptions): number {
  const { input: file, json = false } = options;
  const locations = locationsOf(options, false);
  if (locations.policies.length === 0) return noLocation();
  const loaded = loadPolicy(locations);
  const findings: StartFinding[] = loaded.ok ? [] : [...loaded.findings];
  const input = readDocument(findings, file);
  if (!loaded.ok || input === undefined) {
    printFindings(findings, json);
    return EXIT.config;
  }
  return printExplanation(loaded.policy, query, { input, json });
}

function printExplanation(
  policy: Policy,
  query: string,
  { input, json }: { readonly input: Value; readonly json: boolean },
): number {
  try {
    const explanation = policy.explain(query, input);
    const text = json ? JSON.stringify(explanationAsJson(explanation), undefined, 2) : formatExplanation(explanation);
    process.stdout.write(json ? `${text}\n` : text);
    return isAllow(explanation.value) ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`sidegate: ${query} is no query: ${error.message}\n`);
    return EXIT.usage;
  }
}

/** As the sidecar reads a decision. */
function isAllow(value: Value | undefined): boolean {
  if (typeof value !== 'object' || value === null) return value === true;
  return 'allow' in value && value.allow === true;
}
