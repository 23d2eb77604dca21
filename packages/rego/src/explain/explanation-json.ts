/** Explanations as JSON: what people read, for programs. */
import type { Location } from '../syntax/location.ts';
import { toNative } from '../value/json.ts';
import type { Value } from '../value/value.ts';
import type { Explanation } from './explain.ts';
import type { DocumentTrace, LiteralTrace, RuleTrace } from './trace.ts';

/** Absent values are undefined ones; sets are arrays. */
export function explanationAsJson({ query, value, error, documents, truncated, change }: Explanation): object {
  return {
    query,
    ...valueField('value', value),
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
    documents: documents.map(documentJson),
    truncated,
    ...(change === undefined
      ? {}
      : {
          change: {
            edits: change.edits.map((edit) =>
              edit.kind === 'remove' ? edit : { ...edit, value: toNative(edit.value) },
            ),
            input: toNative(change.input),
            ...valueField('value', change.value),
          },
        }),
  };
}

function documentJson({ name, args, known, value, rules }: DocumentTrace): object {
  return {
    name,
    ...(args === undefined ? {} : { args: args.map(toNative) }),
    ...valueField('value', value),
    known,
    rules: rules.map(ruleJson),
  };
}

function ruleJson({ location, isDefault, isElse, held, literals }: RuleTrace): object {
  return {
    location: locationJson(location),
    default: isDefault,
    else: isElse,
    held,
    literals: literals.map(literalJson),
  };
}

function literalJson({ location, isHead, held, failures, samples, documents, inner }: LiteralTrace): object {
  return {
    location: locationJson(location),
    text: location.text,
    head: isHead,
    held,
    failures,
    saw: samples.map((sample) => sample.map(({ name, value }) => ({ name, ...valueField('value', value) }))),
    documents: documents.map(documentJson),
    inner: inner.map(literalJson),
  };
}

function locationJson({ file, row, col }: Location): object {
  return { file, row, col };
}

function valueField(name: string, value: Value | undefined): object {
  return value === undefined ? {} : { [name]: toNative(value) };
}
