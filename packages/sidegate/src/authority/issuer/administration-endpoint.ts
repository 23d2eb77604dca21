/**
 * `POST …/revocations` and `…/revocations/lift`: an administrator takes back a token, a client, a subject or a workload, or makes up
 * for it. Fails closed: only clients and workloads that the configuration lists.
 */
import type { Revocation } from '@sidegate/sdk';
import type { Answer } from './answer.ts';
import type { ClientEvent } from './client-event.ts';
import { answerForm, type ClientEndpoint, clientOf } from './client-request.ts';
import type { EndpointRequest } from './endpoint-request.ts';
import { invalidClient, OAuthError } from './oauth-error.ts';
import { identityOf } from './require-unrevoked.ts';
import { readRevocable } from './revocable.ts';
import type { TokenForm } from './token-form.ts';

export interface Administrators {
  /** Client ids; public clients prove nothing, and are none. */
  readonly clients: ReadonlySet<string>;
  readonly spiffeIds: ReadonlySet<string>;
}

export interface AdministrationEndpoint extends ClientEndpoint {
  readonly administrators: Administrators;
  /** All realms: a workload belongs to none of them, so what is said of it is said to all. */
  readonly everywhere: () => readonly ClientEndpoint[];
}

type Operation = 'revoke' | 'lift';

/** Answers a `POST`; never rejects. */
export function answerAdministration(
  operation: Operation,
  request: EndpointRequest,
  endpoint: AdministrationEndpoint,
): Promise<Answer> {
  return answerForm(request, endpoint, 'revocation', async (form) => {
    const by = await administratorOf(request, form, endpoint);
    const revocation = await readRevocable(form, endpoint);
    const told = revocation.kind === 'spiffe_id' ? endpoint.everywhere() : [endpoint];
    for (const { events } of told) await events.journal.record([{ operation, revocation }]);
    endpoint.log({
      ...logged(revocation),
      ...by,
      decision: operation === 'lift' ? 'lifted' : 'revoked',
      realm: endpoint.realm.name,
      remote_address: request.remoteAddress,
    });
    return { status: 200, headers: {}, body: answerOf(operation, revocation) };
  });
}

/** Who asks, for the log. */
async function administratorOf(
  request: EndpointRequest,
  form: TokenForm,
  endpoint: AdministrationEndpoint,
): Promise<Pick<ClientEvent, 'client' | 'spiffe_id'>> {
  const { administrators } = endpoint;
  const names = ['client_id', 'client_secret', 'client_assertion'] as const;
  if (request.authorization.length > 0 || names.some((name) => form.has(name))) {
    const client = await clientOf(request, form, endpoint);
    if (client.authentication.method !== 'none' && administrators.clients.has(client.id)) return { client: client.id };
    throw new OAuthError('access_denied', 'this client is no administrator');
  }
  const spiffeId = workloadOf(request, endpoint);
  if (spiffeId === undefined) throw invalidClient('neither a client nor a workload is proven');
  if (administrators.spiffeIds.has(spiffeId)) return { spiffe_id: spiffeId };
  throw new OAuthError('access_denied', 'this workload is no administrator');
}

function workloadOf({ peer }: EndpointRequest, { events, clock }: AdministrationEndpoint): string | undefined {
  const shown = peer === undefined ? undefined : identityOf(peer);
  if (shown?.spiffeId === undefined || shown.notAfter <= clock.now()) return undefined;
  const revoked = events.journal.revocations.ofPeer({ ...shown, clientId: undefined });
  return revoked === undefined ? shown.spiffeId : undefined;
}

function answerOf(operation: Operation, { kind, value, issuedUntil, endsAt }: Revocation): object {
  if (operation === 'lift') return { lifted: { kind, value } };
  return { revoked: { kind, value, issued_until: issuedUntil, ends_at: endsAt } };
}

function logged({ kind, value, issuedUntil, endsAt }: Revocation) {
  return {
    event: 'revocation',
    kind,
    value,
    only_issued: issuedUntil !== undefined,
    ...(endsAt === undefined ? {} : { ends_at: endsAt }),
  } as const;
}
