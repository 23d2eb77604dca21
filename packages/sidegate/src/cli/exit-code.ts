/** What every command's exit status means; sysexits.h where it has a word for it. */
export const EXIT = {
  ok: 0,
  /** The command ran and what it checked does not hold. */
  failed: 1,
  /** The command line is wrong (EX_USAGE). */
  usage: 64,
  /** Our own fault (EX_SOFTWARE). */
  internal: 70,
  /** A configuration, certificate, realm or policy is wrong (EX_CONFIG). */
  config: 78,
} as const;
