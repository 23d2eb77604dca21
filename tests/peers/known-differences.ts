/**
 * Where our answer differs from the real OPA's on purpose or by design. Nothing else may differ: whoever adds a row
 * writes it into the package's README too.
 */
import { PANIC } from './opa-server.ts';
import type { Answer, Refused } from './outcome.ts';

interface Disagreement {
  readonly text: string;
  readonly ours: Answer;
  readonly opa: Answer;
}

interface KnownDifference {
  readonly reason: string;
  readonly applies: (disagreement: Disagreement) => boolean;
}

const KNOWN: readonly KnownDifference[] = [
  { reason: 'the real OPA panics', applies: ({ opa }) => opa.kind === 'error' && opa.code === PANIC },
  {
    reason: 'a rule that OPA left out or did not finish would have had a conflict',
    // OPA's index leaves out rules that need what is not in the input before anything of them is evaluated, and asks for
    // one key of a document only; here a body is evaluated in order and a document as a whole. An error denies.
    applies: ({ ours, opa }) => ours.kind === 'error' && ours.code === 'eval_conflict_error' && opa.kind === 'value',
  },
];

export function knownDifference(disagreement: Disagreement): string | undefined {
  return KNOWN.find(({ applies }) => applies(disagreement))?.reason;
}

interface RefusalDisagreement {
  readonly text: string;
  readonly ours: Refused | undefined;
  readonly opa: Refused | undefined;
}

interface KnownRefusal {
  readonly reason: string;
  readonly applies: (disagreement: RefusalDisagreement) => boolean;
}

const KNOWN_REFUSALS: readonly KnownRefusal[] = [
  { reason: 'the real OPA panics', applies: ({ opa }) => opa?.codes.has(PANIC) ?? false },
  {
    reason: 'OPA does not resolve names in a template string right between the brackets of a reference',
    applies: ({ text }) => /\[\$["`]/.test(text),
  },
  {
    reason: 'OPA forgets in a template string what the body of a `not { … }` around it has bound',
    applies: ({ text, ours, opa }) =>
      ours === undefined &&
      /not \{.*\$"/.test(text) &&
      opa?.texts.every((each) => / rego_compile_error: var \w+ is undeclared$/.test(each)) === true,
  },
  {
    reason: 'OPA may type a ref before other rules of its document, whose keys it then does not know',
    applies: ({ ours, opa }) =>
      ours === undefined &&
      opa?.texts.every((each) =>
        /^\d+:\d+ rego_type_error: undefined ref: data\.lib\.one\.tree\.a(\[\w+\])*$/.test(each),
      ) === true,
  },
];

export function knownRefusal(disagreement: RefusalDisagreement): string | undefined {
  return KNOWN_REFUSALS.find(({ applies }) => applies(disagreement))?.reason;
}
