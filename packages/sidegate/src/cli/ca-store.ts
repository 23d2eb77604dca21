/** How the `ca` commands reach the certificate authority, and how they say what it did. */
import type { CertificateAuthority } from '../authority/enrolment/certificate-authority.ts';
import { EnrolmentRefused } from '../authority/enrolment/enrolment-refused.ts';
import type { AuthorityConfig } from '../config/schema/authority.ts';
import { certificateAuthorityOf } from './assemble-ca.ts';
import { StartRefused } from './start-finding.ts';
import { NotThere, onStore, type StoreOptions } from './store-command.ts';

export type CaSettings = NonNullable<AuthorityConfig['ca']>;

/** Sets the exit code of the process. */
export function onCa(
  options: StoreOptions,
  work: (ca: CertificateAuthority, settings: CaSettings) => Promise<void>,
): Promise<void> {
  return onStore(options, async (store) => {
    const settings = store.config.ca;
    if (settings === undefined) {
      const hint = 'set ca.trust_domain and ca.zones';
      throw new StartRefused([
        { file: options.config, severity: 'error', message: 'ca: is missing, so it issues no certificates', hint },
      ]);
    }
    try {
      await work(certificateAuthorityOf(settings, store), settings);
    } catch (error) {
      if (!(error instanceof EnrolmentRefused)) throw error;
      throw new NotThere(`${error.detail} (${error.code})`, { cause: error });
    }
  });
}

export function print({ json }: StoreOptions, shown: unknown, lines: readonly string[]): void {
  process.stdout.write(json === true ? `${JSON.stringify(shown)}\n` : lines.map((line) => `${line}\n`).join(''));
}
