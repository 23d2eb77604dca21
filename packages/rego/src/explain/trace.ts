/** What an evaluation did, for people: documents, the rules tried for each, and the literals of each rule. */
import type { Location } from '../syntax/location.ts';
import type { Value } from '../value/value.ts';
import type { Edit, InputPath } from './input-path.ts';

export interface DocumentTrace {
  /** `data.order.allow`; functions too. */
  readonly name: string;
  readonly args: readonly Value[] | undefined;
  /** Evaluated before: what was tried stands there. */
  readonly known: boolean;
  value: Value | undefined;
  readonly rules: RuleTrace[];
}

export interface RuleTrace {
  readonly location: Location;
  readonly isDefault: boolean;
  /** Tried because the rule before it did not hold. */
  readonly isElse: boolean;
  held: boolean;
  readonly literals: LiteralTrace[];
  /** How many literals its body has, those never reached included. */
  readonly size: number;
}

export interface LiteralTrace {
  readonly location: Location;
  readonly isHead: boolean;
  /** It failed because what it negates holds. */
  negated: boolean;
  held: boolean;
  /** How far its evaluation came at best; comparable within a policy only. */
  reached: number;
  /** How often it did not hold: once per element of what is scanned. */
  failures: number;
  /** The values that it saw: each time it failed, or the first time it held. At most three. */
  readonly samples: (readonly SeenValue[])[];
  /** Of a literal that also held: the values that it saw when it did not. At most three. */
  readonly misses: (readonly SeenValue[])[];
  /** Documents and functions that it asked for. */
  readonly documents: DocumentTrace[];
  /** Literals of bodies inside it. */
  readonly inner: LiteralTrace[];
  /** Changes of the input that might make it hold. */
  readonly repairs: Edit[];
  /** Places of the input that it looked at. */
  readonly reads: InputPath[];
}

export interface SeenValue {
  /** As the author wrote it: `input.token.exp`, `role`. */
  readonly name: string;
  /** Undefined when there is none. */
  readonly value: Value | undefined;
}

export interface Trace {
  readonly documents: readonly DocumentTrace[];
  /** More happened than was written down. */
  readonly truncated: boolean;
}
