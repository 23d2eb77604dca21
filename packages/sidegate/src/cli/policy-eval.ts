/** `sidegate policy eval`: one decision of a policy folder or bundle, with the rule that made it. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Decision, PolicyInput } from '../policy/decision.ts';
import { loadOpaEmbedded } from '../policy/opa-embedded.ts';
import { EXIT } from './exit-code.ts';
import { renderFinding } from './start-finding.ts';

interface EvalOptions {
  readonly policies: string;
  readonly input: string;
  readonly data?: string;
  readonly json?: boolean;
}

export function policyEvalCommand(): Command {
  return new Command('eval')
    .description('Decide one input as the sidecar would.')
    .argument('<query>', 'data.<package>.<rule>')
    .requiredOption('--policies <path>', 'folder of .rego files, or a bundle (.tar.gz)')
    .option('--input <file>', 'JSON document, - for standard input', '-')
    .option('--data <file>', 'JSON document that policies see as data')
    .option('--json', 'print the decision as JSON')
    .addHelpText('after', '\nExit codes: 0 allowed, 1 denied, 64 wrong command line, 78 wrong policy or input.')
    .action((query: string, options: EvalOptions) => {
      process.exitCode = evaluate(query, options);
    });
}

function evaluate(query: string, options: EvalOptions): number {
  const engine = loadOpaEmbedded({
    directory: options.policies,
    ...(options.data === undefined ? {} : { dataFile: options.data }),
    query,
    clock: { now: () => Date.now() },
  });
  if (!engine.ok) {
    for (const finding of engine.findings) process.stderr.write(`${renderFinding(finding)}\n`);
    return EXIT.config;
  }
  const input = readInput(options.input);
  if (input === undefined) return EXIT.config;
  const decision = engine.value(input);
  process.stdout.write(options.json === true ? `${JSON.stringify(decision)}\n` : decisionText(decision));
  return decision.allow ? EXIT.ok : EXIT.failed;
}

/** Whatever document it is: a policy must cope with one that the sidecar would never make. */
function readInput(file: string): PolicyInput | undefined {
  const name = file === '-' ? 'standard input' : file;
  try {
    return JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8')) as PolicyInput;
  } catch (error) {
    const message = `cannot be used: ${error instanceof Error ? error.message : String(error)}`;
    process.stderr.write(
      `${renderFinding({ file: name, severity: 'error', message, hint: 'give a JSON document' })}\n`,
    );
    return undefined;
  }
}

function decisionText({ allow, failure, reasons, rule }: Decision): string {
  const lines = [
    `${allow ? 'allow' : 'deny'}${failure === undefined ? '' : ` (${failure})`}`,
    ...(rule === undefined ? [] : [`  rule    ${rule}`]),
    ...reasons.map((reason) => `  reason  ${reason}`),
  ];
  return `${lines.join('\n')}\n`;
}
