/** Conformance cases in the format of `../shared/rego/README.md`: what a file holds, read with number texts kept. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseJson, type RegoVersion, type Value } from '@sidegate/rego';

/** A query that must give bindings, or must fail in a certain way. */
export interface EvaluationCase {
  readonly kind: 'evaluation';
  readonly category: string;
  readonly note: string;
  readonly version: RegoVersion;
  readonly query: string;
  readonly modules: readonly string[];
  readonly data: Value;
  readonly input: Value | undefined;
  /** A Rego term, used instead of `input`. */
  readonly inputTerm: string | undefined;
  readonly result: readonly Value[] | undefined;
  readonly errorCode: string | undefined;
  readonly error: string | undefined;
  readonly sortBindings: boolean;
  readonly strictErrors: boolean;
  readonly ignoreGeneratedVariables: boolean;
  readonly experimentalKeywords: boolean;
}

/** Modules that must be refused with these diagnostics. */
export interface DiagnosticCase {
  readonly kind: 'diagnostic';
  readonly category: string;
  readonly note: string;
  readonly version: RegoVersion;
  readonly modules: readonly string[];
  readonly errors: readonly ExpectedDiagnostic[];
  /** No other diagnostic may appear. */
  readonly exhaustive: boolean;
}

export interface ExpectedDiagnostic {
  readonly code: string;
  readonly row: number;
  readonly column: number;
  readonly message: string;
}

export type Case = EvaluationCase | DiagnosticCase;

/** Every case of every `.json` file in a folder; the file's name is the category. */
export function loadCases(folder: string): readonly Case[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .toSorted();
  if (files.length === 0) throw new Error(`${folder}: no case files (*.json)`);
  return files.flatMap((file) => {
    const path = join(folder, file);
    const document = new Fields(parseJson(readFileSync(path, 'utf8')), path);
    return document.list('cases').map((fields, index) => toCase(new Fields(fields, `${path} #${index}`), folder, file));
  });
}

function toCase(fields: Fields, folder: string, file: string): Case {
  const source = fields.text('_src');
  const shared = {
    category: basename(file, '.json'),
    note: fields.text('note') ?? '',
    version: versionOf(source, folder),
    modules: fields.list('modules').map(String),
  } as const;
  if (fields.has('want_errors')) {
    return {
      kind: 'diagnostic',
      ...shared,
      exhaustive: fields.flag('exhaustive'),
      errors: fields.list('want_errors').map((error) => toExpected(new Fields(error, shared.note))),
    };
  }
  return {
    kind: 'evaluation',
    ...shared,
    query: fields.text('query') ?? '',
    data: fields.value('data') ?? {},
    input: fields.value('input'),
    inputTerm: fields.text('input_term'),
    result: fields.has('want_result') ? fields.list('want_result') : undefined,
    errorCode: fields.text('want_error_code'),
    error: fields.text('want_error'),
    sortBindings: fields.flag('sort_bindings'),
    strictErrors: fields.flag('strict_error'),
    ignoreGeneratedVariables: fields.flag('ignore_generated_vars'),
    experimentalKeywords: fields.flag('experimental_keywords'),
  };
}

function toExpected(fields: Fields): ExpectedDiagnostic {
  return {
    code: fields.text('code') ?? '',
    row: Number(fields.value('row')),
    column: Number(fields.value('col')),
    message: fields.text('message') ?? '',
  };
}

/** The suite's own path says which language a case is in; failing that, the folder. */
function versionOf(source: string | undefined, folder: string): RegoVersion {
  const [first = ''] = (source ?? basename(folder)).split('/');
  return first === 'v0' ? 'v0' : 'v1';
}

/** Checked access to a case's fields. */
class Fields {
  readonly #object: Readonly<Record<string, Value>>;
  readonly #where: string;

  constructor(value: Value, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${where}: not an object`);
    this.#object = value as Readonly<Record<string, Value>>;
    this.#where = where;
  }

  has(name: string): boolean {
    return this.#object[name] !== undefined;
  }

  value(name: string): Value | undefined {
    return this.#object[name];
  }

  text(name: string): string | undefined {
    const value = this.#object[name];
    if (value !== undefined && typeof value !== 'string') throw new Error(`${this.#where}: ${name} is no string`);
    return value;
  }

  flag(name: string): boolean {
    return this.#object[name] === true;
  }

  list(name: string): readonly Value[] {
    const value = this.#object[name];
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw new Error(`${this.#where}: ${name} is no array`);
    return value as readonly Value[];
  }
}
