/** The configuration and realm files of `sidegate idp` → the plain options of the issuer, or all findings. */
import { loadIdentityProviderConfig } from '../config/load.ts';
import { loadConfigFile } from './config-file.ts';
import { type IssuerSetup, readIssuer } from './issuer-config.ts';
import { fromDiagnostic, StartRefused } from './start-finding.ts';

export interface IdpSetup extends IssuerSetup {
  /** Keeps signing keys over restarts; absent: new keys at every start. */
  readonly keyDirectory: string | undefined;
}

/** @throws StartRefused with the findings of all files */
export function readIdpSetup(file: string, root: string | undefined): IdpSetup {
  const paths = { env: process.env, root };
  const loaded = loadConfigFile(loadIdentityProviderConfig, file, paths);
  if (!loaded.ok) throw new StartRefused(loaded.diagnostics.map(fromDiagnostic));
  const { config, warnings } = loaded;
  return { ...readIssuer(config, warnings.map(fromDiagnostic), paths), keyDirectory: config.signing.key_dir };
}
