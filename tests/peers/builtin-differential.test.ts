import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askOpa, askUs, type BuiltinRows } from './builtin-batch.ts';
import { CERTIFICATE_CALLS } from './builtins/certificates.ts';
import { COLLECTION_CALLS, DEPRECATED_CALLS } from './builtins/collections.ts';
import { GRAPHQL_CALLS } from './builtins/graphql.ts';
import { knownAnswer } from './builtins/known-answers.ts';
import { NETWORK_CALLS } from './builtins/networks.ts';
import { NUMBER_CALLS } from './builtins/numbers.ts';
import { PATTERN_CALLS } from './builtins/patterns.ts';
import { REQUEST_CALLS } from './builtins/requests.ts';
import { SCHEMA_CALLS } from './builtins/schemas.ts';
import { SPRINTF_CALLS, STRING_CALLS } from './builtins/strings.ts';
import { TEMPLATE_CALLS } from './builtins/templates.ts';
import { TEXT_FORMAT_CALLS } from './builtins/text-formats.ts';
import { TIME_CALLS } from './builtins/time.ts';
import { TOKEN_CALLS } from './builtins/tokens.ts';
import { YAML_CALLS } from './builtins/yaml.ts';
import { withoutOpa } from './opa-binary.ts';

const SHOWN = 20;
const families: readonly (readonly [what: string, calls: readonly BuiltinRows[], version?: 'v0'])[] = [
  ['numbers', NUMBER_CALLS],
  ['strings', STRING_CALLS],
  ['sprintf', SPRINTF_CALLS],
  ['collections', COLLECTION_CALLS],
  ['patterns', PATTERN_CALLS],
  ['text formats', TEXT_FORMAT_CALLS],
  ['time', TIME_CALLS],
  ['networks and names', NETWORK_CALLS],
  ['JSON schemas', SCHEMA_CALLS],
  ['GraphQL', GRAPHQL_CALLS],
  ['YAML', YAML_CALLS],
  ['tokens', TOKEN_CALLS],
  ['certificates and keys', CERTIFICATE_CALLS],
  ['signed requests', REQUEST_CALLS],
  ['templates and policies', TEMPLATE_CALLS],
  ['deprecated builtins', DEPRECATED_CALLS, 'v0'],
];
for (const [what, calls, version = 'v1'] of families) {
  test(`builtins for ${what} answer and refuse as the real OPA does`, { skip: withoutOpa() }, () => {
    const opa = askOpa(calls, { version });
    for (const backend of ['generated', 'closures'] as const) {
      const us = askUs(calls, { version, backend });
      const unexplained = calls.flatMap(({ name, rows, ownWords }, n) =>
        rows.flatMap((row, i) => {
          const [theirs, ours] = [opa[n]?.[i] ?? '', us[n]?.[i] ?? ''];
          const args = row.join(', ');
          if (ownWords === true && isRefusal(theirs) && isRefusal(ours)) return [];
          if (theirs === ours || knownAnswer(name, args, theirs) !== undefined) return [];
          return [`${name}(${args})\n  opa:  ${theirs}\n  ours: ${ours}`];
        }),
      );
      assert.equal(
        unexplained.length,
        0,
        `${backend}: ${unexplained.length} differ\n${unexplained.slice(0, SHOWN).join('\n')}`,
      );
    }
  });
}

function isRefusal(answer: string): boolean {
  return /^eval_[a-z]+_error: /.test(answer);
}
