/**
 * Every way into a zone, tried the right way and the wrong ones. The rows of the seed's two matrices are generated
 * from the routes, the rest is a table. A refusal counts only when the service that had to refuse recorded it.
 */
import { join } from 'node:path';
import { ATTACKS } from './attack-table.ts';
import type { AuditLine } from './audit-feed.ts';
import type { Call, Outcome } from './caller.ts';
import { forgeToken } from './forged-token.ts';
import { shortRule } from './hop.ts';
import { ROUTE_ATTACKS } from './route-attacks.ts';
import { callService, callThroughEgress, describe, type RunningLab, serviceToken, tokenIn } from './running-lab.ts';
import { SIGNING_KEYS } from './topology.ts';
import type { Walk } from './walk.ts';

/** What the attacker holds. */
export interface Loot {
  readonly walk: Walk;
  /** Without their `cnf`, as a provider issues them that never sees a certificate: the client id alone must refuse them. */
  readonly orderToken: string;
  readonly paymentToken: string;
  /** As order-service gets it, bound to its certificate (RFC 8705). */
  readonly boundOrderToken: string;
  /** A user's token with some claims changed, signed with the realm's own key; undefined takes a claim away. */
  readonly forge: (changes: Readonly<Record<string, unknown>>) => string;
}

export type AttackRequest = Omit<Call, 'url'> & { readonly path: string };

export interface Attack {
  readonly ids: readonly string[];
  readonly what: string;
  /** Who has to decide. */
  readonly at: string;
  /** `handshake`, or the status and code, or the status alone for what must work. */
  readonly expected: string;
  readonly request: (loot: Loot) => AttackRequest;
  /** Whose client certificate; absent = none. */
  readonly certificateOf?: string;
  /** Through this service's egress, as its app. */
  readonly through?: string;
  /** More than the status: what the app behind must have seen. */
  readonly seen?: { readonly expected: string; readonly observe: (outcome: Outcome) => string };
}

const TRAIL_TIMEOUT_MS = 3_000;

/** Tries everything, one after the other, and tells each outcome. */
export async function attack(running: RunningLab, walk: Walk): Promise<void> {
  const [order, payment] = await Promise.all([
    serviceToken(running, 'order-service', ['data-service:read', 'data-service:write']),
    serviceToken(running, 'payment-service', ['data-service:read', 'data-service:write-payments']),
  ]);
  const keyDirectory = join(running.lab.root, SIGNING_KEYS);
  const unbound = (outcome: Outcome): string =>
    forgeToken(tokenIn(outcome), { cnf: undefined }, { keyDirectory, realm: 'services' });
  const loot: Loot = {
    walk,
    orderToken: unbound(order),
    paymentToken: unbound(payment),
    boundOrderToken: tokenIn(order),
    forge: (changes) => forgeToken(walk.buyer.token, changes, { keyDirectory, realm: 'users' }),
  };
  for (const row of [...ROUTE_ATTACKS, ...ATTACKS]) await tryOne(running, loot, row);
}

async function tryOne(running: RunningLab, loot: Loot, row: Attack): Promise<void> {
  const correlationId = `attack-${running.randomHex(8)}`;
  const mark = running.feed.mark();
  const request = row.request(loot);
  const traced = { ...request, headers: { 'x-correlation-id': correlationId, ...request.headers } };
  const outcome =
    row.through === undefined
      ? await callService(running, row.at, traced, row)
      : await callThroughEgress(running, row.through, traced);

  // A failed handshake has no headers, so its line is the next one of that service.
  const handshake = outcome.kind === 'handshake';
  const ofThis = (line: AuditLine): boolean =>
    line.service === row.at && (handshake || line.correlation_id === correlationId);
  const [line] = await running.feed.collect(ofThis, { mark, count: 1, timeoutMs: TRAIL_TIMEOUT_MS });
  // A refusal that let anything through, even only to the app behind it, is none.
  const behind = running.feed
    .after(mark)
    .filter((other) => other.correlation_id === correlationId && other !== line && other.service !== row.through);

  const works = row.expected.startsWith('2');
  const said = handshake ? 'handshake' : describe(outcome);
  const seen = row.seen?.observe(outcome);
  const recorded = line?.decision === (works ? 'allow' : 'deny') && (works || behind.length === 0);
  const ok = said === row.expected && seen === row.seen?.expected && recorded;
  running.emit({
    event: 'attack',
    ids: row.ids,
    what: row.what,
    at: row.at,
    expected: [row.expected, row.seen?.expected].filter(Boolean).join(', '),
    observed: [said, seen].filter(Boolean).join(', '),
    reason: reasonOf(line),
    ok,
  });
}

function reasonOf(line: AuditLine | undefined): string {
  if (line === undefined) return 'nothing in the audit trail';
  return line.reasons.join('; ') || `${line.decision} by ${shortRule(line.rule) ?? 'no rule'}`;
}
