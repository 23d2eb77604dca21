/** Who lives where: the lab as plain data, whatever file it was read from. */

export interface LabService {
  /** `order-service`; its client certificate is `<name>-client`. */
  readonly name: string;
  /** Its folder below `etc/certs`. */
  readonly directory: string;
  readonly zone: string;
  readonly host: string;
  /** The loopback address that stands for the host. */
  readonly address: string;
  readonly callsZone?: string;
  /** Its configuration opens an egress listener. */
  readonly hasEgress: boolean;
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
  readonly identityProvider: { readonly host: string; readonly address: string; readonly realms: readonly string[] };
  readonly services: readonly LabService[];
  readonly users: readonly LabUser[];
}

/** The port that every sidecar and the identity provider have in their configurations and URLs. */
export const SIDECAR_PORT = 8443;
export const IDENTITY_PROVIDER_PORT = 443;

/** Below the root: the authorities of all zones, by which the identity provider knows its clients. */
export const CLIENT_AUTHORITIES = 'etc/idp/clients-ca.crt';
export const IDENTITY_PROVIDER_CONFIG = 'etc/idp/config.yaml';
export const SIGNING_KEYS = 'etc/idp/keys';

/** The issuer of a realm; its token endpoint and keys are below it as in Keycloak. */
export function issuerOf(lab: Pick<Lab, 'identityProvider'>, realm: string): string {
  return `https://${lab.identityProvider.host}/realms/${realm}`;
}

/** The path of a client certificate below `etc/certs`, without its ending. */
export function clientCertificateOf(service: LabService): string {
  return `${service.directory}/client-${service.callsZone ?? service.zone}`;
}
