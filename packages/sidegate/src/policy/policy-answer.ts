/** What a Rego rule answered, whoever evaluated it, as a decision. */
import type { Decision } from './decision.ts';

/** A boolean, or an object with `allow`, `reasons` and `audit`; anything else is no answer. */
export function readAnswer(value: unknown): Decision {
  if (value === undefined) return { allow: false, failure: 'policy_undefined', reasons: ['the policy is undefined'] };
  if (typeof value === 'boolean') return { allow: value, reasons: value ? [] : ['no rule allows this request'] };
  if (typeof value !== 'object' || value === null) return notADecision();
  const { allow, reasons, audit } = value as Readonly<Record<string, unknown>>;
  if (typeof allow !== 'boolean') return notADecision();
  return {
    allow,
    reasons: Array.isArray(reasons) ? reasons.filter((reason) => typeof reason === 'string') : [],
    ...(typeof audit === 'object' && audit !== null ? { audit: audit as Readonly<Record<string, unknown>> } : {}),
  };
}

function notADecision(): Decision {
  const reasons = ['the policy answered neither true, false nor an object with a boolean "allow"'];
  return { allow: false, failure: 'policy_undefined', reasons };
}
