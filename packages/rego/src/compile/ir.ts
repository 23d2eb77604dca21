/**
 * The intermediate form between checked syntax and a backend. Safety has given every literal its direction, so there is
 * no unification left: only assignments, tests, scans and a few blocks. A statement that fails leaves the innermost
 * block; the rest of a literal that scans stands inside its scan.
 */
import type { Location } from '../syntax/location.ts';
import type { Value } from '../value/value.ts';
import type { RuleIndex } from './rule-index.ts';
import type { TreeNode, VirtualDocument } from './rule-tree.ts';

/** A variable of the generated function. */
export type Local = number;
export type Operand =
  | { readonly kind: 'local'; readonly local: Local }
  | { readonly kind: 'const'; readonly value: Value };
/** A local that holds an evaluation context; 0 is the one the function was called with. */
export type ContextLocal = Local;
export const CALLER: ContextLocal = 0;

/**
 * Where a value that is read comes from: any value, an object and nothing else, a base document (whose keys are text),
 * or a {@link TreeNode}.
 */
export type Origin = 'value' | 'object' | 'base' | 'view';

export type Source =
  | { readonly kind: 'input'; readonly context: ContextLocal }
  | { readonly kind: 'data'; readonly context: ContextLocal }
  | { readonly kind: 'operand'; readonly operand: Operand }
  | { readonly kind: 'dot'; readonly source: Operand; readonly key: Operand; readonly of: Origin }
  | { readonly kind: 'document'; readonly document: VirtualDocument; readonly context: ContextLocal }
  | { readonly kind: 'view'; readonly node: TreeNode; readonly context: ContextLocal }
  | { readonly kind: 'resolve'; readonly source: Operand }
  | { readonly kind: 'array' | 'set'; readonly items: readonly Operand[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [Operand, Operand])[] }
  | {
      readonly kind: 'call';
      readonly callee: Callee;
      readonly args: readonly Operand[];
      readonly context: ContextLocal;
      readonly location: Location;
    };

export type Callee =
  | { readonly kind: 'builtin'; readonly name: string }
  | { readonly kind: 'function'; readonly document: VirtualDocument };

export type Comparison = 'equal' | 'neq' | 'lt' | 'lte' | 'gt' | 'gte';
export type Block = Stmt[];
/** Names the block that a `leave` ends. */
export type Label = number;

export type Stmt =
  /** A literal begins here, or the head is reached. Only builds that watch an evaluation have these, and they change nothing. */
  | {
      readonly op: 'mark';
      readonly location: Location;
      /** Written by a pass for a part of the literal that follows. */
      readonly generated: boolean;
      /** The author's variables that have a value when the literal holds. */
      readonly variables: ReadonlyMap<string, Operand>;
    }
  /** Fails when the value is undefined. */
  | { readonly op: 'let'; readonly target: Local; readonly value: Source }
  | { readonly op: 'compare'; readonly by: Comparison; readonly left: Operand; readonly right: Operand }
  /** Compares with the query's time, in units of `divisor` nanoseconds. */
  | {
      readonly op: 'clock';
      readonly by: Exclude<Comparison, 'equal' | 'neq'>;
      readonly operand: Operand;
      readonly divisor: number;
    }
  /** Fails on false. */
  | { readonly op: 'truthy'; readonly operand: Operand }
  | { readonly op: 'shape'; readonly of: 'array' | 'object'; readonly source: Operand; readonly size: number }
  | {
      readonly op: 'scan';
      readonly source: Operand;
      readonly view: boolean;
      readonly key: Local;
      readonly value: Local;
      readonly body: Block;
    }
  /** Succeeds when the body reaches its `leave`, or, negated, when it does not. */
  | { readonly op: 'exists'; readonly negated: boolean; readonly label: Label; readonly body: Block }
  /** Succeeds when one of the branches reaches its `leave`. */
  | { readonly op: 'either'; readonly label: Label; readonly branches: readonly Block[] }
  /** Succeeds when the body reaches its `leave` for every element. */
  | {
      readonly op: 'every';
      readonly source: Operand;
      readonly key: Local;
      readonly value: Local;
      readonly label: Label;
      readonly body: Block;
    }
  | { readonly op: 'leave'; readonly label: Label }
  | {
      readonly op: 'collect';
      readonly of: 'array' | 'set' | 'object';
      readonly target: Local;
      readonly body: Block;
      readonly location: Location;
    }
  | {
      readonly op: 'add';
      readonly of: 'array' | 'set' | 'object';
      readonly collector: Local;
      readonly key?: Operand;
      readonly value: Operand;
    }
  | {
      readonly op: 'with';
      readonly target: ContextLocal;
      readonly context: ContextLocal;
      readonly modifiers: readonly Modifier[];
    }
  /** A rule's own result. */
  | { readonly op: 'produce'; readonly path: readonly Operand[]; readonly value: Operand; readonly member: boolean }
  /** A query's solution. */
  | { readonly op: 'answer'; readonly values: readonly Operand[] };

export type Modifier =
  | { readonly kind: 'input' | 'data'; readonly path: readonly Operand[]; readonly value: Operand }
  | { readonly kind: 'function'; readonly target: string; readonly replacement: Operand | Callee };

/** One body with its head; `else` branches follow their rule. */
export interface Branch {
  readonly body: Block;
  readonly location: Location;
  /** The head's value when it is the same whatever the body binds. */
  readonly constant: Value | undefined;
  readonly isDefault: boolean;
}

export interface Routine {
  readonly document: VirtualDocument;
  readonly params: readonly Local[];
  readonly rules: readonly (readonly Branch[])[];
  /** How to find the rules that can apply; absent when there are few. */
  readonly index: RuleIndex | undefined;
  readonly fallback: Branch | undefined;
  /** All rules yield the same constant, so the first solution settles it. */
  readonly uniform: boolean;
  readonly locals: number;
  readonly labels: number;
}

export interface QueryRoutine {
  readonly body: Block;
  readonly names: readonly string[];
  readonly locals: number;
  readonly labels: number;
}
