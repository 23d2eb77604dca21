/**
 * `rego.metadata.rule` and `rego.metadata.chain`: the compiler puts constants in the place of their calls, so that only
 * a query can come here, which stands in no rule.
 */
import { type Builtin, BuiltinError } from './builtin.ts';
import { ANY, arrayOf } from './type.ts';

export const METADATA: readonly Builtin[] = [
  { name: 'rego.metadata.chain', args: [], result: arrayOf(ANY), evaluate: () => refuse('rego.metadata.chain') },
  { name: 'rego.metadata.rule', args: [], result: ANY, evaluate: () => refuse('rego.metadata.rule') },
];

function refuse(name: string): never {
  throw new BuiltinError(`the ${name} function must only be called within the scope of a rule`);
}
