/** `sidegate policy`: look at a policy without a sidecar around it. */
import { Command } from 'commander';
import { policyEvalCommand } from './policy-eval.ts';

export function policyCommand(): Command {
  return new Command('policy').description('Evaluate policies.').addCommand(policyEvalCommand());
}
