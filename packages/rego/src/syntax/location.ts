/** Where a piece of policy text stands; rows and columns start at 1, columns count code points as OPA's do. */
export interface Location {
  readonly file: string;
  readonly row: number;
  readonly col: number;
  /** UTF-16 offset into the file. */
  readonly offset: number;
  readonly text: string;
}

export const NOWHERE: Location = { file: '', row: 0, col: 0, offset: 0, text: '' };

/** Orders locations by file, row and column. */
export function compareLocations(a: Location, b: Location): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.row - b.row || a.col - b.col;
}
