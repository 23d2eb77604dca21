/** Programs: one function for each document, or one for a query. */
import type { Compilation } from './context.ts';
import { Emission, type Program } from './emission.ts';
import { emitBlock, type Leaf } from './emit-statement.ts';
import type { Branch, QueryRoutine, Routine } from './ir.ts';
import type { RuleIndex, Selection } from './rule-index.ts';
import type { VirtualDocument } from './rule-tree.ts';

export function emitDocuments(c: Compilation, routines: readonly Routine[]): Program {
  const e = new Emission(c, true);
  const functions = routines.map((routine) => emitDocument(e, routine));
  return e.finish([...functions, `return [${routines.map(({ document }) => `f${document.id}`).join(',')}];`]);
}

export function emitQuery(c: Compilation, routine: QueryRoutine): Program {
  const e = new Emission(c, false);
  return e.finish([emitQueryFunction(e, routine)]);
}

function emitDocument(e: Emission, routine: Routine): string {
  const { document, params } = routine;
  const declared = declareLocals(routine.locals, new Set(params));
  const args = ['v0', ...params.map((param) => `v${param}`)].join(',');
  const parts = [`function f${document.id}(${args}){`];
  if (document.kind !== 'function') {
    parts.push(`const known=v0.memo[${document.id}];if(known!==undefined)return known===NONE?undefined:known;`);
  }
  parts.push(`const q=v0.query;if(--q.fuel<0)q.exhausted();let m,p;${declared}`);
  parts.push(
    document.kind === 'set'
      ? emitSetBody(e, routine)
      : document.kind === 'object'
        ? emitObjectBody(e, routine)
        : emitValueBody(e, routine),
  );
  if (document.kind !== 'function') parts.push(`v0.memo[${document.id}]=r===undefined?NONE:r;`);
  parts.push('return r;}');
  return parts.join('\n');
}

function emitQueryFunction(e: Emission, routine: QueryRoutine): string {
  const declared = declareLocals(routine.locals, new Set());
  const body = emitBlock(e, routine.body, undefined, () => '');
  return `return function(v0,answers){const q=v0.query;let m,p;${declared}\n${body}};`;
}

function declareLocals(count: number, params: ReadonlySet<number>): string {
  const names: string[] = [];
  for (let i = 1; i < count; i += 1) if (!params.has(i)) names.push(`v${i}`);
  return names.length === 0 ? '' : `let ${names.join(',')};`;
}

function emitSetBody(e: Emission, routine: Routine): string {
  const leaf: Leaf = ({ value }) => `s.add(${e.operand(value)});`;
  const bodies = emitIndexed(e, routine, (branches) =>
    branches.map((branch) => emitBlock(e, branch.body, undefined, leaf)).join('\n'),
  );
  return ['const s=setBuilder();', bodies, 'const r=s.done();'].join('\n');
}

/** All rules, those that the index knows in a `switch` over what it finds. */
function emitIndexed(
  e: Emission,
  { rules, index }: Selection,
  emitRule: (branches: readonly Branch[]) => string,
): string {
  if (index === undefined) return rules.map(emitRule).join('\n');
  const numbers = new Map([...index.groups.keys()].map((text, i) => [text, i] as const));
  const { root, path } = index.place;
  const source = root === 'input' ? 'v0.input' : `v${root}`;
  const cases = [...index.groups.values()].map((group, i) => `case ${i}:${emitIndexed(e, group, emitRule)}break;`);
  return [
    `switch(lookUp(T[${e.tables.index(numbers)}],${source},${e.constant(path)})){`,
    ...cases,
    '}',
    emitIndexed(e, index.rest, emitRule),
  ].join('\n');
}

function emitObjectBody(e: Emission, { rules }: Routine): string {
  const parts = rules.map((branches) => emitChain(e, branches, (branch) => insertion(e, branch)));
  return ['const o=tree();', ...parts, 'const r=o.done();'].join('\n');
}

function insertion(e: Emission, branch: Branch): Leaf {
  const site = e.site(branch.location);
  return ({ path, value, member }) =>
    `o.${member ? 'member' : 'insert'}([${e.operands(path)}],${e.operand(value)},${site});`;
}

function emitValueBody(e: Emission, routine: Routine): string {
  const { uniform, fallback, document } = routine;
  const done = `L${e.unique()}`;
  const early = uniform ? done : undefined;
  const all =
    uniform && routine.index !== undefined && routine.index.groups.size > MAX_CASES
      ? emitOutlined(e, routine, { index: routine.index, done })
      : emitIndexed(e, routine, (branches) => emitValueRule(e, document, branches, early));
  const parts = [`let r;${done}:{`, all, '}'];
  if (fallback !== undefined) {
    const leaf: Leaf = ({ value }) => `r=${e.operand(value)};${noteDecision(e, document, fallback)}`;
    parts.push('if(r===undefined){', emitBlock(e, fallback.body, undefined, leaf), '}');
  }
  return parts.join('\n');
}

/** A switch with more cases makes a function that the engine does not optimise any more. */
const MAX_CASES = 32;

/** As {@link emitIndexed}, for rules whose first value counts: each group is a function of its own. */
function emitOutlined(
  e: Emission,
  { document, params, locals }: Routine,
  { index, done }: { readonly index: RuleIndex; readonly done: string },
): string {
  const args = ['v0', 'q', ...params.map((param) => `v${param}`)].join(',');
  const declared = declareLocals(locals, new Set(params));
  const groups = [...index.groups.values()].map((group) => {
    const found = `L${e.unique()}`;
    const rules = emitIndexed(e, group, (branches) => emitValueRule(e, document, branches, found));
    return e.outlined(args, `let r,m,p;${declared}${found}:{${rules}}return r;`);
  });
  const numbers = new Map([...index.groups.keys()].map((text, i) => [text, i] as const));
  const list = e.outlinedList(groups);
  const { root, path } = index.place;
  const source = root === 'input' ? 'v0.input' : `v${root}`;
  const n = e.unique();
  return [
    `const i${n}=lookUp(T[${e.tables.index(numbers)}],${source},${e.constant(path)});`,
    `if(i${n}>=0){r=${list}[i${n}](${args});if(r!==undefined)break ${done};}`,
    emitIndexed(e, index.rest, (branches) => emitValueRule(e, document, branches, done)),
  ].join('\n');
}

function emitValueRule(
  e: Emission,
  document: VirtualDocument,
  branches: readonly Branch[],
  early: string | undefined,
): string {
  const [only] = branches;
  if (early !== undefined) {
    return emitAlternatives(
      e,
      branches,
      (branch) =>
        ({ value }) =>
          `r=${e.operand(value)};${noteDecision(e, document, branch)}break ${early};`,
    );
  }
  if (branches.length === 1 && only !== undefined)
    return emitBlock(e, only.body, undefined, settling(e, 'r', document, only));
  const n = e.unique();
  const isFunction = Number(document.kind === 'function');
  const merge = `if(t${n}!==undefined)r=r===undefined?t${n}:settle(r,t${n},u${n},${isFunction});`;
  const leaf = (branch: Branch): Leaf => {
    const settle = settling(e, `t${n}`, document, branch);
    return (stmt) => `${settle(stmt)}u${n}=${e.site(branch.location)};`;
  };
  return [`let t${n},u${n};`, emitChain(e, branches, leaf, `t${n}`), merge].join('\n');
}

function settling(e: Emission, name: string, document: VirtualDocument, branch: Branch): Leaf {
  const site = e.site(branch.location);
  return ({ value }) => {
    const x = e.operand(value);
    const isFunction = Number(document.kind === 'function');
    return `${name}=${name}===undefined?${x}:settle(${name},${x},${site},${isFunction});${noteDecision(e, document, branch)}`;
  };
}

/** Notes which rule gave the document its value. */
function noteDecision(e: Emission, document: VirtualDocument, branch: Branch): string {
  return document.kind === 'function' ? '' : `if(q.watched===${document.id})q.decidedBy=${e.site(branch.location)};`;
}

/** Branches whose solutions leave the rule: a later one is reached only when those before it had none. */
function emitAlternatives(e: Emission, branches: readonly Branch[], leaf: (branch: Branch) => Leaf): string {
  return branches.map((branch) => emitBlock(e, branch.body, undefined, leaf(branch))).join('\n');
}

/** Branches of an `else` chain, each run only while there is no solution. */
function emitChain(e: Emission, branches: readonly Branch[], leaf: (branch: Branch) => Leaf, value?: string): string {
  const [first, ...rest] = branches;
  if (first === undefined) return '';
  if (rest.length === 0) return emitBlock(e, first.body, undefined, leaf(first));
  if (value !== undefined) {
    const blocks = rest.map(
      (branch) => `if(${value}===undefined)${emitBlock(e, branch.body, undefined, leaf(branch))}`,
    );
    return [emitBlock(e, first.body, undefined, leaf(first)), ...blocks].join('\n');
  }
  const found = `g${e.unique()}`;
  const marking =
    (branch: Branch): Leaf =>
    (stmt) =>
      `${leaf(branch)(stmt)}${found}=true;`;
  const blocks = branches.map((branch) => `if(!${found})${emitBlock(e, branch.body, undefined, marking(branch))}`);
  return [`let ${found}=false;`, ...blocks].join('\n');
}
