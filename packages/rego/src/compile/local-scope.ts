/** Which names a body and those around it have declared, and which they have used. */
import { isGeneratedName, type Var } from '../syntax/ast.ts';
import type { Location } from '../syntax/location.ts';
import { type Compilation, localVar, remark, report } from './context.ts';

type Occurrence = 'arg' | 'seen' | 'assigned' | 'declared';

/** Names of one body: what was declared there, and what was used there without being declared. */
export class Frame {
  readonly renamed = new Map<string, Var>();
  readonly occurrences = new Map<string, Occurrence>();
  /** Variables that must be used, and where it is reported when they are not. */
  readonly declaredBySome = new Map<string, Location>();
  readonly used = new Set<string>();
}

export interface Scope {
  readonly c: Compilation;
  readonly frames: readonly Frame[];
}

export function declare(scope: Scope, variable: Var, occurrence: 'assigned' | 'declared'): Var {
  const frame = top(scope);
  const before = frame.occurrences.get(variable.name);
  if (before !== undefined) {
    const message =
      before === 'arg'
        ? `arg ${variable.name} redeclared`
        : `var ${variable.name} ${before === 'seen' ? 'referenced' : before} above`;
    report(scope.c, 'rego_compile_error', message, variable.location);
    // Said once: what is declared twice need not be used.
    frame.declaredBySome.delete(variable.name);
    return variable;
  }
  const renamed = localVar(scope.c, variable.location, variable.name);
  frame.renamed.set(variable.name, renamed);
  frame.occurrences.set(variable.name, occurrence);
  return renamed;
}

/** Declares a variable that must be used. */
export function declareSome(scope: Scope, variable: Var, unusedAt: Location): Var {
  const renamed = declare(scope, variable, 'declared');
  if (renamed !== variable) top(scope).declaredBySome.set(variable.name, unusedAt);
  return renamed;
}

export function markSeen(scope: Scope, { name }: Var): void {
  const { occurrences } = top(scope);
  if (name !== 'data' && name !== 'input' && !occurrences.has(name)) occurrences.set(name, 'seen');
}

export function lookUp(scope: Scope, name: string): Var | undefined {
  for (let i = scope.frames.length - 1; i >= 0; i -= 1) {
    const frame = scope.frames[i];
    const renamed = frame?.renamed.get(name);
    if (renamed !== undefined) {
      frame?.used.add(name);
      return renamed;
    }
  }
  return undefined;
}

export function reportUnused(scope: Scope): void {
  const frame = top(scope);
  for (const [name, location] of frame.declaredBySome) {
    if (!frame.used.has(name) && !isGeneratedName(name)) {
      remark(scope.c, `declared var ${name} unused`, location);
    }
  }
}

export function top(scope: Scope): Frame {
  const frame = scope.frames.at(-1);
  if (frame === undefined) throw new Error('a scope has at least one frame');
  return frame;
}
