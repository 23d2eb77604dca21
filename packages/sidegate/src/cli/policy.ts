/** `sidegate policy`: look at a policy without a sidecar around it. */
import { Command } from 'commander';
import { policyCheckCommand } from './policy-check.ts';
import { policyEvalCommand } from './policy-eval.ts';
import { policyTestCommand } from './policy-test.ts';

export function policyCommand(): Command {
  return new Command('policy')
    .description('Check, test and evaluate policies.')
    .addCommand(policyEvalCommand())
    .addCommand(policyCheckCommand())
    .addCommand(policyTestCommand());
}
