/** Rules between keys: they run on whatever is right, so that one mistake does not hide the next. */
import type { z } from 'zod';
import type { DiagnosticCode } from '../diagnostic.ts';

/** What a rule found, at a path below the object that the rule is on. */
export interface Finding {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint?: string;
  readonly code?: DiagnosticCode;
}

/** When a rule of `superRefine` runs: only while the keys that it reads are right themselves, and so have their types. */
export function reading(...keys: readonly string[]) {
  const when = ({ issues }: z.core.ParsePayload): boolean =>
    !issues.some(({ path = [], ...issue }) => {
      const values =
        issue.code !== 'unrecognized_keys' && !(issue.code === 'custom' && issue.params?.['rule'] === true);
      return values && (path.length === 0 || keys.includes(String(path[0])));
    });
  return { when };
}

/** Turns findings into issues that the loader can place. */
export function refuse(context: z.core.$RefinementCtx, findings: Iterable<Finding>): void {
  for (const { path, message, hint = '', code = 'conflict' } of findings) {
    context.addIssue({ code: 'custom', path: [...path], message, params: { rule: true, hint, code } });
  }
}
