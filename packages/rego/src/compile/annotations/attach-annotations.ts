/** Annotations to what they stand before: the next package clause, import or rule of their file. */
import type { Module, Rule } from '../../syntax/ast.ts';
import type { Diagnostic } from '../../syntax/diagnostic.ts';
import { primitiveKey } from '../../value/key.ts';
import type { Value } from '../../value/value.ts';
import type { Annotation, AnnotationScope } from './annotation.ts';

export interface Attached {
  readonly annotation: Annotation;
  readonly scope: AnnotationScope;
  /** `['order', 'allow']`: the path of the rule or the package, without `data`. */
  readonly path: readonly Value[];
  /** The rule that follows; undefined for a package. */
  readonly rule: Rule | undefined;
}

interface AttachedAnnotations {
  readonly attached: readonly Attached[];
  readonly findings: readonly Diagnostic[];
}

export function attachAnnotations(module: Module, annotations: readonly Annotation[]): AttachedAnnotations {
  const attached: Attached[] = [];
  const findings: Diagnostic[] = [];
  for (const annotation of annotations) {
    const found = attach(module, annotation);
    if (typeof found === 'string') {
      findings.push({ code: 'rego_parse_error', message: found, location: annotation.location });
    } else attached.push(found);
  }
  return { attached, findings };
}

/** Two annotations cannot speak for one document or one package. */
export function redeclared(attached: readonly Attached[]): Diagnostic[] {
  const seen = new Map<string, Attached>();
  const findings: Diagnostic[] = [];
  for (const each of attached) {
    if (each.scope === 'rule') continue;
    const kind = each.scope === 'package' ? 'package' : 'path';
    const key = `${kind} ${pathKey(each.path)}`;
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, each);
      continue;
    }
    const { file, row } = first.annotation.location;
    const message = `${each.scope} annotation redeclared: ${file}:${row}`;
    findings.push({ code: 'rego_type_error', message, location: each.annotation.location });
  }
  return findings;
}

export function pathKey(path: readonly Value[]): string {
  return JSON.stringify(path);
}

/** The path that a rule's annotations speak of. */
export function rulePath(module: Module, { head }: Rule): readonly Value[] {
  const path: Value[] = [...module.package.path];
  if (head.ref.head.kind === 'var') path.push(head.ref.head.name);
  for (const part of head.ref.path) {
    const key = part.kind === 'scalar' ? primitiveKey(part.value) : undefined;
    if (key === undefined) break;
    path.push(key);
  }
  return path;
}

type Kind = 'package' | 'import' | 'rule';

function attach(module: Module, annotation: Annotation): Attached | string {
  const { row } = annotation.location;
  const next = statements(module).find((each) => each.row > row);
  const scope = annotation.scope ?? defaultScope(annotation, next?.kind);
  const wanted = scope === 'rule' || scope === 'document' ? 'rule' : 'package';
  if (scope !== 'rule' && scope !== 'document' && scope !== 'package' && scope !== 'subpackages') {
    return `invalid annotation scope '${scope}'. Use one of 'rule', 'document', 'package', or 'subpackages'`;
  }
  if (next?.kind !== wanted) {
    return `annotation scope '${scope}' must be applied to ${wanted} (have ${next?.kind ?? 'nil'})`;
  }
  if (annotation.entrypoint && scope !== 'document' && scope !== 'package') {
    return `annotation entrypoint applied to non-document or package scope '${scope}'`;
  }
  const path = next.rule === undefined ? module.package.path : rulePath(module, next.rule);
  return { annotation, scope, path, rule: next.rule };
}

function defaultScope({ entrypoint }: Annotation, kind: Kind | undefined): string {
  if (kind === 'rule') return entrypoint ? 'document' : 'rule';
  return kind ?? '';
}

function statements(module: Module): { readonly kind: Kind; readonly row: number; readonly rule: Rule | undefined }[] {
  return [
    { kind: 'package' as const, row: module.package.location.row, rule: undefined },
    ...module.imports.map(({ location }) => ({ kind: 'import' as const, row: location.row, rule: undefined })),
    ...module.rules.map((rule) => ({ kind: 'rule' as const, row: rule.location.row, rule })),
  ].toSorted((a, b) => a.row - b.row);
}
