/** Stage 2: what the target wants to see from us, from the cache where it is fresh. */
import type { SetField } from '../proxy/headers.ts';

/** One `auth.type`; a file of that name in `credentials/` makes it. */
export interface Credential {
  /**
   * @returns header fields to set; nothing is forwarded until they are there
   * @throws Problem `idp_bad_response` or `idp_unavailable`
   */
  fields(): CredentialFields | Promise<CredentialFields>;
  close(): void;
}

export type CredentialFields = readonly SetField[];

export function obtainCredential(target: {
  readonly credential: Credential;
}): CredentialFields | Promise<CredentialFields> {
  return target.credential.fields();
}
