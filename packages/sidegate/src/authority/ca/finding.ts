/** Something wrong with a certificate, a key, or the file that holds it, said for people. */

export type FindingCode =
  | 'plan'
  | 'busy'
  | 'missing'
  | 'unreadable'
  | 'unwritable'
  | 'key_mismatch'
  | 'key_mode'
  | 'weak'
  | 'version'
  | 'not_yet_valid'
  | 'expired'
  | 'self_signed'
  | 'wrong_authority'
  | 'not_an_authority'
  | 'leaf_is_authority'
  | 'extension'
  | 'purpose'
  | 'names';

export interface Finding {
  /** Relative to the certificates directory. */
  readonly file: string;
  readonly code: FindingCode;
  /** Continues the file's name: what is wrong and, where it is not plain, what to do. */
  readonly message: string;
}

/** Certificates that cannot be made, or may not be touched; `findings` has every reason. */
export class PkiRefused extends Error {
  override readonly name = 'PkiRefused';
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super(findings.map(({ file, message }) => `${file}: ${message}`).join('\n'));
    this.findings = findings;
  }
}
