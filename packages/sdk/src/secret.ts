/** A secret that is asked for at each use: it may change while the process runs, and no options object holds its text. */
export interface Secret {
  reveal(): string;
}
