/** `sidegate policy`: look at a policy without a sidecar around it. */
import { Command } from 'commander';
import { policyBenchCommand } from './policy-bench.ts';
import { policyCheckCommand } from './policy-check.ts';
import { policyDecideCommand } from './policy-decide.ts';
import { policyEvalCommand } from './policy-eval.ts';
import { policyExplainCommand } from './policy-explain.ts';
import { policyTestCommand } from './policy-test.ts';

export function policyCommand(): Command {
  return new Command('policy')
    .description('Check, test, query, explain and measure policies.')
    .addCommand(policyEvalCommand())
    .addCommand(policyDecideCommand())
    .addCommand(policyCheckCommand())
    .addCommand(policyTestCommand())
    .addCommand(policyExplainCommand())
    .addCommand(policyBenchCommand());
}
