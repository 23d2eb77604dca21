/** What is wrong with a YAML text, and the line that Go's yaml names with it. */
import { BuiltinError } from '../builtin.ts';

export interface Mark {
  readonly index: number;
  /** From 0. */
  readonly line: number;
  readonly column: number;
}

/** What is wrong, in Go's words, and where. */
export class YamlError extends BuiltinError {
  /** From 1. */
  readonly line: number;
  readonly column: number;

  constructor(message: string, { line, column }: Mark) {
    super(message);
    this.line = line + 1;
    this.column = column + 1;
  }
}

const START: Mark = { index: 0, line: 0, column: 0 };

/** The line of what was being read, or that of the problem; none when both are the first line. */
function lineOf(context: Mark | undefined, problem: Mark): number {
  const { line } = context ?? START;
  return line === 0 ? problem.line : line;
}

export function scannerError(problem: string, at: Mark, context?: Mark): YamlError {
  const line = lineOf(context, at);
  return new YamlError(`yaml: ${line === 0 ? '' : `line ${line + 1}: `}${problem}`, at);
}

/** The parser counts one line less than the scanner. */
export function parserError(problem: string, at: Mark, context?: Mark): YamlError {
  const line = lineOf(context, at);
  return new YamlError(`yaml: ${line === 0 ? '' : `line ${line}: `}${problem}`, at);
}
