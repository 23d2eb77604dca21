/** A grant answers one question: on whose behalf does the authenticated client act? */
import type { Client, Realm, Subject } from '../realm.ts';
import type { SecretDigest } from '../secret-digest.ts';
import type { TokenForm } from '../token-form.ts';

export interface GrantRequest {
  readonly realm: Realm;
  readonly client: Client;
  readonly form: TokenForm;
  readonly digest: SecretDigest;
}

/** @throws OAuthError */
export type Grant = (request: GrantRequest) => Subject;
