/** Who lives where: the lab as plain data, whatever file it was read from. */

export interface LabService {
  /** `order-service`; its client certificate is `<name>-client`. */
  readonly name: string;
  /** Its folder below `etc/certs`. */
  readonly directory: string;
  /** Its configuration file, relative to the lab's directory. */
  readonly config: string;
  readonly zone: string;
  readonly host: string;
  /** The loopback address that stands for the host. */
  readonly address: string;
  readonly callsZone?: string;
  /** The app behind it, absolute. */
  readonly app?: string;
  /** Environment variable → the client id whose secret it carries. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface LabUser {
  readonly username: string;
  /** Environment variable with the password. */
  readonly passwordVariable: string;
}

export interface Lab {
  /** The directory of lab.yaml, absolute. */
  readonly directory: string;
  /** All state, shaped like a root directory, absolute. */
  readonly root: string;
  readonly trustDomain: string;
  readonly identityProvider: { readonly host: string; readonly address: string; readonly realms: readonly string[] };
  readonly services: readonly LabService[];
  readonly users: readonly LabUser[];
}
