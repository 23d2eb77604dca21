/** Calls whose answers differ from the real OPA's, and why. Nothing else may differ. */

interface KnownAnswer {
  readonly reason: string;
  readonly builtin: RegExp;
  /** Of the arguments as they are written, with a comma and a space between them. */
  readonly args?: RegExp;
  /** Of the real OPA's answer. */
  readonly opa?: RegExp;
}

const KNOWN: readonly KnownAnswer[] = [
  {
    reason: 'characters younger than Unicode 15, which Go knows, have other cases and are printed as escapes there',
    builtin: /^(?:upper|lower|trim_space|strings\.reverse)$/,
    args: /\\u(?:019b|1c89|a7cb)/,
  },
  { reason: 'a zone that is a folder is unknown here', builtin: /^time\./, opa: /is a directory$/ },
  { reason: 'Go wraps years beyond its calendar around', builtin: /^time\.add_date$/, args: /9223372036854775807/ },
  {
    reason: 'a move into what was moved is refused in other words',
    builtin: /^json\.patch$/,
    opa: /cannot unfold the already deleted/,
  },
];

export function knownAnswer(builtin: string, args: string, opa: string): string | undefined {
  return KNOWN.find(
    (one) => one.builtin.test(builtin) && (one.args?.test(args) ?? true) && (one.opa?.test(opa) ?? true),
  )?.reason;
}
