/** Statements of generated source: labelled blocks that a failing statement leaves. */
import type { Emission } from './emission.ts';
import { emitAssign, emitModifier } from './emit-source.ts';
import type { Comparison, Label, Operand, Stmt } from './ir.ts';

const SIGNS = { lt: '<', lte: '<=', gt: '>', gte: '>=' } as const;

/** How a solution leaves a rule. */
export type Leaf = (stmt: Extract<Stmt, { op: 'produce' }>) => string;

export function emitBlock(e: Emission, stmts: readonly Stmt[], name: string | undefined, leaf: Leaf): string {
  const label = name ?? `L${e.unique()}`;
  return `${label}:{${stmts.map((stmt) => emitStmt(e, stmt, label, leaf)).join('\n')}}`;
}

function emitStmt(e: Emission, stmt: Stmt, label: string, leaf: Leaf): string {
  const fail = `break ${label};`;
  switch (stmt.op) {
    case 'mark':
      return '';
    case 'let':
      return emitAssign(e, stmt.target, stmt.value, fail);
    case 'compare':
      return `if(!(${emitComparison(e, stmt.by, stmt.left, stmt.right)}))${fail}`;
    case 'clock':
      return `if(!(compareToClock(q,${e.operand(stmt.operand)},${e.constant(stmt.divisor)})${SIGNS[stmt.by]}0))${fail}`;
    case 'truthy':
      return stmt.operand.kind === 'const' && stmt.operand.value !== false
        ? ''
        : `if(${e.operand(stmt.operand)}===false)${fail}`;
    case 'shape':
      return `if(!isShape(${e.operand(stmt.source)},${Number(stmt.of === 'array')},${stmt.size}))${fail}`;
    case 'scan':
      return emitLoop(e, stmt, emitBlock(e, stmt.body, undefined, leaf));
    case 'exists': {
      const flag = `x${stmt.label}`;
      const test = stmt.negated ? flag : `!${flag}`;
      return `let ${flag}=false;${emitBlock(e, stmt.body, exitLabel(stmt.label), leaf)}if(${test})${fail}`;
    }
    case 'either': {
      const flag = `x${stmt.label}`;
      const branches = stmt.branches.map(
        (branch) => `if(!${flag})${emitBlock(e, branch, exitLabel(stmt.label), leaf)}`,
      );
      return `let ${flag}=false;${branches.join('')}if(!${flag})${fail}`;
    }
    case 'every': {
      const flag = `x${stmt.label}`;
      const all = `y${stmt.label}`;
      const body = `let ${flag}=false;${emitBlock(e, stmt.body, exitLabel(stmt.label), leaf)}if(!${flag}){${all}=false;break;}`;
      const source = e.operand(stmt.source);
      return `if(!isCollection(${source}))${fail}let ${all}=true;${emitLoop(e, { ...stmt, view: false }, body)}if(!${all})${fail}`;
    }
    case 'leave':
      return `x${stmt.label}=true;break ${exitLabel(stmt.label)};`;
    case 'collect':
      return emitCollect(e, stmt, leaf);
    case 'add': {
      const value = e.operand(stmt.value);
      if (stmt.key !== undefined) return `w${stmt.collector}.put(${e.operand(stmt.key)},${value});`;
      return `w${stmt.collector}.${stmt.of === 'array' ? 'push' : 'add'}(${value});`;
    }
    case 'with':
      return `v${stmt.target}=derive(v${stmt.context},[${stmt.modifiers.map((each) => emitModifier(e, each)).join(',')}]);`;
    case 'produce':
      return leaf(stmt);
    default:
      return `if(--q.fuel<0)q.exhausted();answers.push([${e.operands(stmt.values)}]);`;
  }
}

function emitLoop(
  e: Emission,
  scan: { source: Operand; view: boolean; key: number; value: number },
  body: string,
): string {
  const n = e.unique();
  const source = e.operand(scan.source);
  const list = scan.view
    ? `const a${n}=false,e${n}=viewElements(${source});`
    : `const a${n}=Array.isArray(${source}),e${n}=a${n}?${source}:elements(${source});`;
  const take = `if(a${n}){v${scan.key}=i${n};v${scan.value}=e${n}[i${n}];}else{const p${n}=e${n}[i${n}];v${scan.key}=p${n}[0];v${scan.value}=p${n}[1];}`;
  return `${list}for(let i${n}=0;i${n}<e${n}.length;i${n}++){if(--q.fuel<0)q.exhausted();${take}${body}}`;
}

function emitCollect(e: Emission, stmt: Extract<Stmt, { op: 'collect' }>, leaf: Leaf): string {
  const w = `w${stmt.target}`;
  const start = stmt.of === 'array' ? '[]' : stmt.of === 'set' ? 'setBuilder()' : `pairs(${e.site(stmt.location)})`;
  const end = stmt.of === 'array' ? w : `${w}.done()`;
  return `const ${w}=${start};${emitBlock(e, stmt.body, undefined, leaf)}v${stmt.target}=${end};`;
}

function emitComparison(e: Emission, by: Comparison, left: Operand, right: Operand): string {
  const a = e.operand(left);
  const b = e.operand(right);
  if (by === 'equal' || by === 'neq') {
    const same = isSimple(left) || isSimple(right) ? `${a}===${b}` : `(${a}===${b}||equal(${a},${b}))`;
    return by === 'equal' ? same : `!(${same})`;
  }
  const sign = SIGNS[by];
  return `(typeof ${a}==="number"&&typeof ${b}==="number"?${a}${sign}${b}:compare(${a},${b})${sign}0)`;
}

/** Constants that nothing but themselves equals: no number, no collection. */
function isSimple(operand: Operand): boolean {
  return (
    operand.kind === 'const' &&
    (typeof operand.value === 'string' || typeof operand.value === 'boolean' || operand.value === null)
  );
}

function exitLabel(label: Label): string {
  return `X${label}`;
}
