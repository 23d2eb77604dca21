/** Files and queries to syntax trees. A file's first syntax error is its only one, as in OPA. */
import { type Expr, type Import, keyName, type Module, type Ref, type Rule, type Term } from './ast.ts';
import { Cursor, type RegoVersion } from './cursor.ts';
import type { Diagnostic } from './diagnostic.ts';
import { KEYWORDS_FUTURE, KEYWORDS_V1 } from './keywords.ts';
import { SyntaxFailure, tokenize } from './lexer.ts';
import { type Location, NOWHERE } from './location.ts';
import { parseQuery } from './parse-literal.ts';
import { parseRules } from './parse-rule.ts';
import { parseTerm } from './parse-term.ts';
import { refuseRuleName } from './rule-name.ts';
import { parseStatementRule } from './statement-rule.ts';
import { valueName } from './value-name.ts';

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Parses one policy file; `isBuiltin` tells the names that no rule may take as a bare call. */
export function parseModule(
  file: string,
  text: string,
  version: RegoVersion,
  isBuiltin?: Cursor['isBuiltin'],
): Parsed<Module> {
  return guarded(file, () => {
    const { tokens, comments } = tokenize(file, text);
    const p = new Cursor(file, text, tokens, isBuiltin === undefined ? { version } : { version, isBuiltin });
    return finished(p, () => parseStatements(p, comments));
  });
}

function parseStatements(p: Cursor, comments: Module['comments']): Module {
  const header = parseHeader(p);
  const imports: Import[] = [];
  const rules: Rule[] = [];
  while (p.token.kind !== 'eof') {
    refuseRuleName(p);
    if (isDeclaration(p, 'import')) imports.push(parseImport(p));
    else if (isDeclaration(p, 'package')) p.later('unexpected package', parsePackage(p).location);
    else rules.push(...parseStatement(p));
  }
  return { file: p.file, package: header, imports, rules, comments, v1: p.strictV1, called: p.called };
}

/** Without a package the rest of the file is understood all the same. */
function parseHeader(p: Cursor): Module['package'] {
  if (p.token.kind === 'eof') p.fail('empty module');
  refuseRuleName(p);
  if (isDeclaration(p, 'package')) return parsePackage(p);
  const location = p.location();
  if (isDeclaration(p, 'import')) parseImport(p);
  else parseStatement(p);
  p.deferred.length = 0;
  p.later('package expected', location);
  return { path: [], location };
}

function isDeclaration(p: Cursor, keyword: 'package' | 'import'): boolean {
  return p.isKeyword(keyword) && !p.beginsRef();
}

function parseStatement(p: Cursor): Rule[] {
  const back = p.mark();
  const rules = parseRules(p);
  if (rules !== undefined) return rules;
  // After an error nothing is made of what is no rule.
  if (p.errors.length > 0) p.giveUp();
  back();
  return parseStatementRule(p);
}

/** All that went wrong, in the order in which it was found. */
function finished<T>(p: Cursor, parse: () => T): T {
  let result: T;
  try {
    result = parse();
  } catch (error) {
    if (!(error instanceof SyntaxFailure) || p.errors.length === 0) throw error;
    throw SyntaxFailure.of([...p.errors, ...error.diagnostics]);
  }
  const findings = p.errors.length > 0 ? p.errors : p.deferred;
  if (findings.length > 0) throw SyntaxFailure.of(findings);
  return result;
}

/** Parses a query such as `data.order.allow = x`. */
export function parseQueryText(text: string, version: RegoVersion): Parsed<Expr[]> {
  return guarded('', () => {
    const { tokens } = tokenize('', text);
    const p = new Cursor('', text, tokens, { version });
    if (version === 'v0') for (const keyword of KEYWORDS_V1) p.enableKeyword(keyword);
    return finished(p, () => parseQuery(p));
  });
}

function guarded<T>(file: string, parse: () => T): Parsed<T> {
  try {
    return { ok: true, value: parse() };
  } catch (error) {
    if (error instanceof RangeError) return { ok: false, diagnostics: [tooDeep(file)] };
    if (!(error instanceof SyntaxFailure)) throw error;
    return { ok: false, diagnostics: error.diagnostics };
  }
}

/** A chain of thousands of `else` or operators: the parser recurses along it. */
function tooDeep(file: string): Diagnostic {
  const message = 'max parsing recursion depth exceeded';
  return { code: 'rego_parse_error', message, location: { ...NOWHERE, file, row: 1, col: 1 } };
}

function parsePackage(p: Cursor): Module['package'] {
  const start = p.location(p.advance());
  if (p.token.kind !== 'ident') p.illegal();
  p.nameHere();
  const term = parseTerm(p);
  if (p.isPunct('-')) p.illegal();
  if (term.kind === 'var') return { path: [term.name], location: p.span(start) };
  if (term.kind !== 'ref') return p.illegal();
  const { head } = term;
  if (head.kind !== 'var') p.fail(`unexpected ${valueName(head)} token: expecting var`, head.location);
  return { path: [head.name, ...stringPath(p, term)], location: p.span(start) };
}

function stringPath(p: Cursor, ref: Ref): string[] {
  return ref.path.map((part) =>
    part.kind === 'scalar' && typeof part.value === 'string'
      ? part.value
      : p.fail(`unexpected ${valueName(part)} token: expecting string`, part.location),
  );
}

function parseImport(p: Cursor): Import {
  const start = p.location(p.advance());
  if (p.token.kind !== 'ident') p.illegal();
  p.nameHere();
  const term = parsePath(p);
  if (p.isPunct('-')) p.illegal();
  const path: Ref =
    term.kind === 'var' ? { kind: 'ref', head: term, path: [], location: term.location } : asRef(p, term);
  stringPath(p, path);
  let alias: string | undefined;
  let aliasLocation: Location | undefined;
  if (p.isKeyword('as')) {
    p.advance();
    aliasLocation = p.location();
    if (!p.isIdentifier()) p.illegal('expected var');
    alias = importAlias(p);
  }
  const root = path.head.kind === 'var' ? path.head.name : '';
  const last = path.path.at(-1);
  if (alias === undefined && root !== 'future' && last !== undefined) checkImportEnd(p, last);
  if (root === 'future') importFuture(p, path, aliasLocation);
  else if (root === 'rego') importRego(p, path, aliasLocation);
  else if (root !== 'data' && root !== 'input') {
    const message = `unexpected import path, must begin with one of: {data, future, input, rego}, got: ${root}`;
    p.fail(message, path.location, 'if this is unexpected, try updating OPA');
  }
  return { path, alias, location: p.span(start) };
}

function parsePath(p: Cursor): Term {
  try {
    return parseTerm(p);
  } catch (error) {
    if (!(error instanceof SyntaxFailure)) throw error;
    throw error.and('expected path', p.location());
  }
}

function importAlias(p: Cursor): string {
  const { text } = p.token;
  if (text === 'data' || text === 'input') {
    p.fail(`unexpected import alias, must not be a reserved name, got: ${text}`);
  }
  return p.advance().text;
}

/** Without an alias the last part becomes a name in this file. */
function checkImportEnd(p: Cursor, last: Term): void {
  const name = keyName(last);
  if (!p.isReserved(name)) return;
  const message = `unexpected import path, must not end with a keyword, got: ${name}`;
  p.fail(message, last.location, 'import a different path or use an alias');
}

function asRef(p: Cursor, term: { readonly kind: string }): Ref {
  if (term.kind === 'ref') return term as Ref;
  return p.fail('expected path');
}

function importFuture(p: Cursor, path: Ref, alias: Location | undefined): void {
  const [group, keyword] = stringPath(p, path);
  if (group !== 'keywords') p.fail('invalid import, must be `future.keywords`', path.location);
  if (alias !== undefined) p.fail('`future` imports cannot be aliased', alias);
  const known: readonly string[] = [...KEYWORDS_V1, ...KEYWORDS_FUTURE].toSorted();
  if (keyword === undefined) {
    for (const each of p.version === 'v0' ? KEYWORDS_V1 : []) p.enableKeyword(each);
  } else if (known.includes(keyword)) {
    p.enableKeyword(keyword);
  } else {
    p.fail(`unexpected keyword, must be one of [${known.join(' ')}]`, path.location);
  }
}

function importRego(p: Cursor, path: Ref, alias: Location | undefined): void {
  const parts = stringPath(p, path);
  const [version] = parts;
  if (parts.length !== 1 || (version !== 'v1' && version !== 'v2')) {
    p.fail(`invalid import \`${path.location.text}\`, must be one of: \`rego.v1\`, \`rego.v2\``, path.location);
  }
  if (alias !== undefined) p.fail('`rego` imports cannot be aliased', alias);
  const newer = version === 'v2' ? KEYWORDS_FUTURE : [];
  for (const keyword of p.version === 'v0' ? [...KEYWORDS_V1, ...newer] : newer) p.enableKeyword(keyword);
  p.strictV1 = true;
}
