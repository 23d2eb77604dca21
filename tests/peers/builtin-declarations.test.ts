/** What builtins declare, beside `opa capabilities`: names, types, and what kind of call it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Builtin } from '../../packages/rego/src/builtins/builtin.ts';
import { BUILTINS, EXCLUDED } from '../../packages/rego/src/builtins/registry.ts';
import type { Type } from '../../packages/rego/src/builtins/type.ts';
import { withoutOpa } from './opa-binary.ts';
import { runOpa } from './opa-command.ts';

const MOST_EXCLUDED = 12;

interface OpaType {
  readonly type: string;
  readonly static?: readonly (OpaType & { readonly key?: unknown; readonly value?: OpaType })[];
  readonly dynamic?: OpaType & { readonly key?: OpaType; readonly value?: OpaType };
  /** Of a set its member, of a union its alternatives. */
  readonly of?: OpaType | readonly OpaType[];
}

interface OpaBuiltin {
  readonly name: string;
  readonly infix?: string;
  readonly relation?: true;
  readonly nondeterministic?: true;
  readonly deprecated?: true;
  readonly decl: { readonly args?: readonly OpaType[]; readonly result?: OpaType; readonly variadic?: OpaType };
}

test('builtins declare what they declare in the real OPA', { skip: withoutOpa() }, () => {
  const theirs = new Map(
    opaBuiltins()
      .filter(({ name }) => !EXCLUDED.has(name))
      .map((one) => [one.name, declared(one)]),
  );
  const ours = new Map([...BUILTINS.values()].map((one) => [one.name, ourDeclaration(one)]));
  assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort());
  for (const [name, declaration] of theirs) assert.deepEqual(ours.get(name), declaration, name);
});

test('few of the builtins that OPA has are excluded, and none that it lacks', { skip: withoutOpa() }, () => {
  const names = new Set(opaBuiltins().map(({ name }) => name));
  assert.ok(EXCLUDED.size <= MOST_EXCLUDED);
  for (const name of EXCLUDED.keys()) assert.ok(names.has(name) && !BUILTINS.has(name), name);
});

function opaBuiltins(): readonly OpaBuiltin[] {
  const { stdout } = runOpa(['capabilities', '--current'], import.meta.dirname);
  return (JSON.parse(stdout) as { readonly builtins: readonly OpaBuiltin[] }).builtins;
}

function declared({ infix, relation, nondeterministic, deprecated, decl }: OpaBuiltin): object {
  const { args = [], variadic, result } = decl;
  const types = { args: args.map(shown), variadic: shown(variadic), result: shown(result) };
  return { ...types, infix, relation, nondeterministic, deprecated };
}

function ourDeclaration({ args, variadic, result, infix, relation, nondeterministic, deprecated }: Builtin): object {
  const types = { args: args.map(ourText), variadic: ourText(variadic), result: ourText(result) };
  return { ...types, infix, relation, nondeterministic, deprecated };
}

/** A type as text, its alternatives and members sorted. */
function shown(type: OpaType | undefined): string {
  if (type === undefined) return 'none';
  const { of, dynamic } = type;
  switch (type.type) {
    case 'array':
      return `[${(type.static ?? []).map(shown).join(', ')}; ${shown(dynamic)}]`;
    case 'set':
      return `set(${shown(of as OpaType)})`;
    case 'object': {
      const members = (type.static ?? []).map(({ key, value }) => `${JSON.stringify(key)}: ${shown(value)}`);
      const rest = dynamic === undefined ? 'none' : `${shown(dynamic.key)}: ${shown(dynamic.value)}`;
      return `{${members.sort().join(', ')}; ${rest}}`;
    }
    default:
      return Array.isArray(of) ? `any<${(of as readonly OpaType[]).map(shown).sort().join(', ')}>` : type.type;
  }
}

function ourText(type: Type | undefined): string {
  if (type === undefined) return 'none';
  switch (type.kind) {
    case 'array':
      return `[${type.items.map(ourText).join(', ')}; ${ourText(type.rest)}]`;
    case 'set':
      return `set(${ourText(type.member)})`;
    case 'object': {
      const members = type.properties.map(({ key, value }) => `${JSON.stringify(key)}: ${ourText(value)}`);
      const rest = type.rest === undefined ? 'none' : `${ourText(type.rest.key)}: ${ourText(type.rest.value)}`;
      return `{${members.sort().join(', ')}; ${rest}}`;
    }
    case 'union':
      return `any<${type.of.map(ourText).sort().join(', ')}>`;
    default:
      return type.kind;
  }
}
