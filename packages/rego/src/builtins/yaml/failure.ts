/** What is wrong with a YAML text, and the line that Go's yaml names with it. */
import { BuiltinError } from '../builtin.ts';

export interface Mark {
  readonly index: number;
  /** From 0. */
  readonly line: number;
  readonly column: number;
}

const START: Mark = { index: 0, line: 0, column: 0 };

/** The line of what was being read, or that of the problem; none when both are the first line. */
function lineOf(context: Mark | undefined, problem: Mark): number {
  const { line } = context ?? START;
  return line === 0 ? problem.line : line;
}

export function scannerError(problem: string, at: Mark, context?: Mark): BuiltinError {
  const line = lineOf(context, at);
  return new BuiltinError(`yaml: ${line === 0 ? '' : `line ${line + 1}: `}${problem}`);
}

/** The parser counts one line less than the scanner. */
export function parserError(problem: string, at: Mark, context?: Mark): BuiltinError {
  const line = lineOf(context, at);
  return new BuiltinError(`yaml: ${line === 0 ? '' : `line ${line}: `}${problem}`);
}
