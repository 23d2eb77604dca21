/** `sidegate policy decide`: one decision as the sidecar makes it, with the rule that made it. */
import { Command, InvalidArgumentError } from 'commander';
import type { Decision, PolicyInput } from '../policy/decision.ts';
import { loadOpaEmbedded } from '../policy/opa-embedded.ts';
import { EXIT } from './exit-code.ts';
import { printFindings, readDocument } from './policy-files.ts';
import { type LocationOptions, locationsOf, noLocation, withLocations } from './policy-options.ts';
import type { StartFinding } from './start-finding.ts';

interface DecideOptions extends LocationOptions {
  readonly input: string;
  readonly json?: boolean;
}

export function policyDecideCommand(): Command {
  return withLocations(new Command('decide'))
    .description('Decide one input as the sidecar would, within its limits.')
    .argument('<query>', 'data.<package>.<rule>', readReference)
    .option('-i, --input <file>', 'JSON or YAML document, - for standard input', '-')
    .option('--json', 'print the decision as JSON')
    .addHelpText('after', '\nExit codes: 0 allowed, 1 denied, 64 wrong command line, 78 wrong policy or input.')
    .action((query: string, options: DecideOptions) => {
      process.exitCode = decide(query, options);
    });
}

function decide(query: string, options: DecideOptions): number {
  const { input: file, json = false } = options;
  const locations = locationsOf(options, false);
  if (locations.policies.length === 0) return noLocation();
  const engine = loadOpaEmbedded({ ...locations, query, clock: { now: () => Date.now() } });
  const findings: StartFinding[] = engine.ok ? [] : [...engine.findings];
  const input = readDocument(findings, file);
  if (!engine.ok || input === undefined) {
    printFindings(findings, json);
    return EXIT.config;
  }
  // Whatever document it is: a policy must cope with one that the sidecar would never make.
  const decision = engine.value.decide(input as unknown as PolicyInput);
  process.stdout.write(json ? `${JSON.stringify(decision)}\n` : decisionText(decision));
  return decision.allow ? EXIT.ok : EXIT.failed;
}

function decisionText({ allow, failure, reasons, rule }: Decision): string {
  const lines = [
    `${allow ? 'allow' : 'deny'}${failure === undefined ? '' : ` (${failure})`}`,
    ...(rule === undefined ? [] : [`  rule    ${rule}`]),
    ...reasons.map((reason) => `  reason  ${reason}`),
  ];
  return `${lines.join('\n')}\n`;
}

function readReference(text: string): string {
  if (!/^data[.[][^\s]*$/.test(text)) throw new InvalidArgumentError('give a rule such as data.order.allow.');
  return text;
}
