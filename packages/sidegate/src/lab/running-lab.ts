/** The running lab as the walk-through and the attacks see it: whom they can call, as whom, and what was recorded. */
import { join } from 'node:path';
import type { Clock } from '@sidegate/sdk';
import type { ConnectTo } from '../net/connector.ts';
import type { AuditFeed } from './audit-feed.ts';
import { type Call, type CallerOptions, call, type Outcome } from './caller.ts';
import type { LabEvent } from './event.ts';
import { clientCertificateOf, issuerOf, type Lab, type LabService, type LabUser, SIDECAR_PORT } from './topology.ts';

export interface RunningLab {
  readonly lab: Lab;
  readonly feed: AuditFeed;
  /** The identity provider's own log, one entry a token request. */
  readonly tokenLog: readonly TokenLogLine[];
  readonly connectTo: ConnectTo;
  /** Service name → its egress listener, `http://localhost:4312`. */
  readonly egress: ReadonlyMap<string, string>;
  /** Environment variable → value: client secrets and passwords. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly randomHex: (bytes: number) => string;
  readonly emit: (event: LabEvent) => void;
}

export interface TokenLogLine {
  readonly decision?: string;
  readonly realm?: string;
  readonly client?: string;
  readonly grant?: string;
  readonly scope?: string;
  readonly audience?: readonly string[];
  readonly expires_in?: number;
}

/** Who calls: a service with its client certificate, or anybody without one. */
export interface CallAs {
  readonly certificateOf?: string;
}

/** The client that signs users in. */
const USER_CLIENT = 'web-app';
/** Its own authority, beside those of the zones. */
const IDENTITY_PROVIDER = 'keycloak';

/** @throws Error when lab.yaml has no service of that name */
export function serviceOf({ lab }: Pick<RunningLab, 'lab'>, name: string): LabService {
  const service = lab.services.find((candidate) => candidate.name === name);
  if (service === undefined) throw new Error(`the walk-through needs a service "${name}" in lab.yaml`);
  return service;
}

/** Calls a service's ingress by its public name. */
export function callService(
  running: RunningLab,
  service: string,
  request: Omit<Call, 'url'> & { readonly path: string },
  as: CallAs = {},
): Promise<Outcome> {
  const { host, zone } = serviceOf(running, service);
  const { path, ...rest } = request;
  return call({ ...rest, url: `https://${host}:${SIDECAR_PORT}${path}` }, callerOptions(running, zone, as));
}

/** Calls out through a service's egress, as its app does. */
export function callThroughEgress(
  running: RunningLab,
  service: string,
  request: Omit<Call, 'url'> & { readonly path: string },
): Promise<Outcome> {
  const { path, ...rest } = request;
  // Plain HTTP on loopback: no authority is asked.
  return call(
    { ...rest, url: `${running.egress.get(service) ?? ''}${path}` },
    callerOptions(running, IDENTITY_PROVIDER, {}),
  );
}

export function signIn(running: RunningLab, user: LabUser): Promise<Outcome> {
  return requestToken(running, 'users', {
    grant_type: 'password',
    client_id: USER_CLIENT,
    username: user.username,
    password: running.secrets[user.passwordVariable] ?? '',
    scope: 'openid',
  });
}

/** A token of the service's own, as its egress gets it: the request shows the certificate that the token is bound to. */
export function serviceToken(running: RunningLab, client: string, scopes: readonly string[]): Promise<Outcome> {
  const [variable] = Object.entries(serviceOf(running, client).secrets).find(([, id]) => id === client) ?? [];
  const form = {
    grant_type: 'client_credentials',
    client_id: client,
    client_secret: running.secrets[variable ?? ''] ?? '',
    scope: scopes.join(' '),
  };
  return requestToken(running, 'services', form, { certificateOf: client });
}

export function requestToken(
  running: RunningLab,
  realm: string,
  form: Readonly<Record<string, string>>,
  as: CallAs = {},
): Promise<Outcome> {
  const url = `${issuerOf(running.lab, realm)}/protocol/openid-connect/token`;
  const body = new URLSearchParams(form);
  return call({ method: 'POST', url, body }, callerOptions(running, IDENTITY_PROVIDER, as));
}

function callerOptions(running: RunningLab, serverAuthority: string, { certificateOf }: CallAs): CallerOptions {
  const { connectTo, lab } = running;
  const certificates = join(lab.root, 'etc/certs');
  if (certificateOf === undefined) return { connectTo, certificates, serverAuthority };
  const clientCertificate = clientCertificateOf(serviceOf(running, certificateOf));
  return { connectTo, certificates, serverAuthority, clientCertificate };
}

/** @throws Error when the answer has no token */
export function tokenIn(outcome: Outcome): string {
  const token = outcome.kind === 'answer' ? outcome.body['access_token'] : undefined;
  if (typeof token !== 'string') throw new Error(`the identity provider gave no token: ${describe(outcome)}`);
  return token;
}

/** `201`, `403 policy_denied` or `handshake ERR_SSL_…`. */
export function describe(outcome: Outcome): string {
  if (outcome.kind === 'handshake') return `handshake ${outcome.code}`;
  const error = outcome.code ?? outcome.body['error'];
  return typeof error === 'string' ? `${outcome.status} ${error}` : String(outcome.status);
}
