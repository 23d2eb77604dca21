/** Everything that keeps the issuer from starting, or that its operator should know, for the person who can change it. */

export interface Finding {
  readonly where: FindingPlace;
  readonly severity: 'error' | 'warning';
  /** What was refused and what to do. */
  readonly message: string;
}

type FindingPlace =
  /** In the realm at this index. */
  | { readonly realm: number; readonly path: RealmPath }
  /** A key file. */
  | { readonly file: string }
  /** The address to listen on. */
  | { readonly address: string };

/** In a realm file, e.g. `['clients', 1, 'secret']`. */
export type RealmPath = readonly (string | number)[];

export interface RealmFinding {
  readonly path: RealmPath;
  readonly severity: Finding['severity'];
  readonly message: string;
}

/** Collects the findings of one realm file, so that all of them are reported at once. */
export interface FindingSink {
  (path: RealmPath, message: string, severity?: Finding['severity']): void;
}

/** The issuer does not start: all findings, at least one of them an error. */
export class IssuerRefused extends Error {
  override readonly name = 'IssuerRefused';
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super(findings.map(({ where, message }) => `${JSON.stringify(where)}: ${message}`).join('\n'));
    this.findings = findings;
  }
}

/** @throws IssuerRefused when a finding is an error */
export function refuseErrors(findings: readonly Finding[]): void {
  if (findings.some(({ severity }) => severity === 'error')) throw new IssuerRefused(findings);
}
