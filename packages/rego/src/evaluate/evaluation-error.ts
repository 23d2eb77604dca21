/** Why an evaluation has no answer: OPA's codes, and the limits of this evaluator. */
import type { Location } from '../syntax/location.ts';

export type EvaluationErrorCode =
  | 'eval_builtin_error'
  | 'eval_type_error'
  | 'eval_conflict_error'
  | 'eval_cancel_error'
  | 'eval_internal_error';

export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
  readonly code: EvaluationErrorCode;
  readonly location: Location | undefined;

  constructor(code: EvaluationErrorCode, reason: string, location?: Location) {
    super(location === undefined ? `${code}: ${reason}` : `${location.file}:${location.row}: ${code}: ${reason}`);
    this.code = code;
    this.location = location;
  }
}
