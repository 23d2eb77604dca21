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
    reason: 'Go shows the fields of a type of its own in any order',
    builtin: /^io\.jwt\./,
    opa: /into Go value of type struct \{ D json\.RawMessage/,
  },
  {
    reason: 'what is wrong with the bytes of a public key is told in the words of the platform',
    builtin: /^io\.jwt\./,
    opa: /: failed to parse a PEM public key: asn1: /,
  },
  {
    reason: 'what is wrong with a header that is no JSON is told in the words of our parser',
    builtin: /^io\.jwt\.encode_sign_raw$/,
    opa: /: missing or invalid 'alg' header: (?:cannot parse JSON|unexpected tail): /,
  },
  { reason: 'templates know no complex numbers', builtin: /^strings\.render_template$/, args: /\{\{1i\}\}/ },
  {
    reason: 'printf of a template takes a list for its text',
    builtin: /^strings\.render_template$/,
    opa: /^\["\[\\"x\\"\] {4}42/,
  },
  {
    reason: 'after a removal from an array OPA reads items from the array as it was before',
    builtin: /^json\.patch$/,
    args: /"op":"remove","path":"\/x\/0"\},\{"op":"copy","from":"\/x\/0"/,
  },
];

export function knownAnswer(builtin: string, args: string, opa: string): string | undefined {
  return KNOWN.find(
    (one) => one.builtin.test(builtin) && (one.args?.test(args) ?? true) && (one.opa?.test(opa) ?? true),
  )?.reason;
}
