/** Everything that is wrong with a process's settings, at once: names and places, never a value. */

export interface SettingFinding {
  /** As the program calls it, such as `paymentClientSecret`. */
  readonly key: string;
  /** What is wrong and what to do. */
  readonly message: string;
}

export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly findings: readonly SettingFinding[];

  constructor(findings: readonly SettingFinding[]) {
    const lines = findings.map(({ key, message }) => `  ${key}: ${message}`);
    super(`the settings cannot be used:\n${lines.join('\n')}`);
    this.findings = findings;
  }
}
