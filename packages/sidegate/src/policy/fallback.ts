/** `policy.fallback`: who decides while nobody else is there. What was decided, also a failure to evaluate, stands. */
import type { Decision, PolicyEngine, PolicyInput } from './decision.ts';

export function withFallback(first: PolicyEngine, fallback: PolicyEngine): PolicyEngine {
  return (input) => {
    const decided = first(input);
    return decided instanceof Promise
      ? decided.then((decision) => stand(decision, input, fallback))
      : stand(decided, input, fallback);
  };
}

function stand(decision: Decision, input: PolicyInput, fallback: PolicyEngine): Decision | Promise<Decision> {
  if (decision.unavailable !== true) return decision;
  const instead = fallback(input);
  const told = (other: Decision): Decision => ({
    ...other,
    reasons: [...other.reasons, `decided by policy.fallback: ${decision.reasons[0] ?? ''}`],
  });
  return instead instanceof Promise ? instead.then(told) : told(instead);
}
