/** What is wrong with a realm, for the person who wrote it. */

export interface Finding {
  /** Realm name. */
  readonly realm: string;
  /** Where in the realm file, e.g. `['clients', 1, 'secret']`. */
  readonly path: readonly (string | number)[];
  readonly severity: 'error' | 'warning';
  /** What was refused and what to do. */
  readonly message: string;
}

/** Collects findings of one realm, so that all of them are reported at once. */
export interface FindingSink {
  (path: Finding['path'], message: string, severity?: Finding['severity']): void;
}

/** The issuer does not start: every finding of every realm, at least one of them an error. */
export class RealmError extends Error {
  override readonly name = 'RealmError';
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super(findings.map(({ realm, path, message }) => `realm ${realm}: ${path.join('.')}: ${message}`).join('\n'));
    this.findings = findings;
  }
}
