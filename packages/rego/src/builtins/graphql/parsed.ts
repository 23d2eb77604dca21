/** A document and where its nodes stand in its text. */
export interface Parsed<T> {
  readonly document: T;
  /** Where a node of the document begins, as messages say it: `location 4:5`. */
  readonly locationOf: (node: object) => string;
}
