/** What an authority counts and shows of itself; deploy/alerts/authority.yaml watches it. */
import type { SqlReplayStore } from '@sidegate/sdk';
import type { ClientEvent } from '../authority/issuer/client-event.ts';
import type { TokenEvent } from '../authority/issuer/token-event.ts';
import type { KeyStore } from '../authority/keys/key-store.ts';
import type { Upkeep } from '../authority/upkeep.ts';
import { type Counter, type Family, Metrics } from '../telemetry/metrics.ts';
import { observeProcess } from './process-metrics.ts';

export interface ObservedAuthority {
  readonly keys: KeyStore;
  /** Undefined: they are kept elsewhere. */
  readonly replays: SqlReplayStore | undefined;
  readonly maxReplays: number;
  readonly upkeep: Upkeep;
  /** Concerns of the last inventory, by kind. */
  readonly concerns: () => ReadonlyMap<string, number>;
  readonly now: () => number;
}

export class AuthorityMetrics {
  readonly metrics = new Metrics();
  readonly #tokens: Family<Counter>;

  constructor() {
    this.#tokens = this.metrics.counter({
      name: 'sidegate_authority_tokens_total',
      help: 'Tokens that were issued, and requests that were refused, by the error of RFC 6749.',
      labels: ['realm', 'decision', 'error'],
    });
  }

  count(event: TokenEvent | ClientEvent): void {
    if (event.event === 'token') this.#tokens.with(event.realm, event.decision, event.error ?? '').increment();
  }

  observe({ keys, replays, maxReplays, upkeep, concerns, now }: ObservedAuthority): void {
    observeProcess(this.metrics);
    const gauge = (name: string, help: string, labels: readonly string[], read: () => [readonly string[], number][]) =>
      this.metrics.observed({ name, help, labels }, 'gauge', () =>
        read().map(([labels, value]) => ({ labels, value })),
      );
    const signing = () => keys.list().filter(({ state }) => state === 'current');
    gauge(
      'sidegate_authority_signing_key_age_seconds',
      'Since when the key that signs now does so.',
      ['realm', 'algorithm'],
      () => signing().map(({ realm, algorithm, activateAt }) => [[realm, algorithm], (now() - activateAt) / 1000]),
    );
    gauge('sidegate_authority_replay_entries', 'One-time identifiers that are remembered.', [], () =>
      replays === undefined ? [] : [[[], replays.entries]],
    );
    gauge('sidegate_authority_replay_limit', 'More of them are refused.', [], () =>
      replays === undefined ? [] : [[[], maxReplays]],
    );
    gauge('sidegate_authority_chores_failing', 'Chores of the upkeep whose last run failed.', [], () => [
      [[], upkeep.failing().length],
    ]);
    gauge(
      'sidegate_authority_concerns',
      'What expires soon, is too old or is not renewed: sidegate inventory --expiring names it.',
      ['kind'],
      () => [...concerns()].map(([kind, count]) => [[kind], count]),
    );
  }
}
