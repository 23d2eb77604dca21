/** Why policies are not used. */
export interface PolicyFinding {
  readonly file: string;
  /** From 1; absent when it is about the whole file. */
  readonly line?: number;
  readonly column?: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint: string;
}
