/** The metrics of one sidecar, and the places where its parts are measured. */
import type { Clock, JwksState, TokenVerifier, VerifiedToken } from '@sidegate/sdk';
import type { Decision, PolicyEngine } from '../policy/decision.ts';
import { type ExchangeMeter, meterExchanges } from '../proxy/exchange-meter.ts';
import type { Metrics, Sample } from '../telemetry/metrics.ts';

/** Undefined wherever it is asked for: nobody reads metrics, so nothing is measured. */
export interface Meters {
  readonly metrics: Metrics;
  readonly exchange: ExchangeMeter;
  /** The same, measured. */
  policy(engine: PolicyEngine): PolicyEngine;
  tokens(verifier: TokenVerifier): TokenVerifier;
  /** After every look for a remembered decision. */
  decisionLookup(result: 'hit' | 'miss'): void;
  /** After every attempt to load the keys of an issuer. */
  keysLoaded(issuer: string, state: JwksState): void;
  /** After every request for a token of ours. */
  credentialRefreshed(target: string, failed: boolean): void;
  /** After every attempt to put another configuration in the place of the one that runs. */
  reloaded(failed: boolean): void;
  /** Spans or log records for a collector. */
  exported(signal: string, result: string, count: number): void;
}

export function createMeters(metrics: Metrics, clock: Clock): Meters {
  const evaluations = metrics.durations({
    name: 'authz_policy_evaluation_duration_seconds',
    help: 'One evaluation of the policy, by its decision.',
    labels: ['decision'],
  });
  const validations = metrics.durations({
    name: 'authz_jwt_validation_duration_seconds',
    help: 'One check of a token, from memory or by its signature, waiting for keys included.',
    labels: ['result'],
  });
  const refreshes = metrics.counter({
    name: 'egress_credential_refresh_total',
    help: 'Requests for tokens of this service.',
    labels: ['target', 'result'],
  });
  const reloads = metrics.counter({
    name: 'authz_config_reloads_total',
    help: 'Configurations, certificates and policies read anew.',
    labels: ['result'],
  });
  const exported = metrics.counter({
    name: 'authz_otlp_items_total',
    help: 'Spans and log records that a collector took, and those that are lost.',
    labels: ['signal', 'result'],
  });
  const lookups = metrics.counter({
    name: 'authz_decision_cache_lookups_total',
    help: 'Looks for a remembered decision.',
    labels: ['result'],
  });
  return {
    metrics,
    decisionLookup: (result) => lookups.with(result).increment(),
    exported: (signal, result, count) => exported.with(signal, result).increment(count),
    reloaded: (failed) => reloads.with(failed ? 'failure' : 'success').increment(),
    exchange: meterExchanges(metrics, clock),
    policy(engine) {
      const [allowed, denied] = [evaluations.with('allow'), evaluations.with('deny')];
      return (input) => {
        const begun = clock.monotonic();
        const measured = (decision: Decision): Decision => {
          (decision.allow ? allowed : denied).observe((clock.monotonic() - begun) / 1000);
          return decision;
        };
        const decided = engine(input);
        return decided instanceof Promise ? decided.then(measured) : measured(decided);
      };
    },
    tokens: (verifier) =>
      measuredVerifier(verifier, { valid: validations.with('valid'), invalid: validations.with('invalid'), clock }),
    keysLoaded: meterKeys(metrics, clock),
    credentialRefreshed: (target, failed) => refreshes.with(target, failed ? 'failure' : 'success').increment(),
  };
}

interface ValidationMeters {
  readonly valid: { observe(seconds: number): void };
  readonly invalid: { observe(seconds: number): void };
  readonly clock: Clock;
}

function measuredVerifier(verifier: TokenVerifier, { valid, invalid, clock }: ValidationMeters): TokenVerifier {
  const accepted = (begun: number, token: VerifiedToken): VerifiedToken => {
    valid.observe((clock.monotonic() - begun) / 1000);
    return token;
  };
  const refused = (begun: number, error: unknown): never => {
    invalid.observe((clock.monotonic() - begun) / 1000);
    throw error;
  };
  return {
    verify(text) {
      const begun = clock.monotonic();
      try {
        const verified = verifier.verify(text);
        if (!(verified instanceof Promise)) return accepted(begun, verified);
        return verified.then(
          (token) => accepted(begun, token),
          (error: unknown) => refused(begun, error),
        );
      } catch (error) {
        return refused(begun, error);
      }
    },
    remembers: (token) => verifier.remembers(token),
    isCurrent: (token) => verifier.isCurrent(token),
    close: () => verifier.close(),
  };
}

function meterKeys(metrics: Metrics, clock: Clock): Meters['keysLoaded'] {
  const attempts = metrics.counter({
    name: 'authz_jwks_refresh_total',
    help: 'Attempts to load the keys of an issuer.',
    labels: ['issuer', 'result'],
  });
  const keys = new Map<string, number>();
  const loadedAt = new Map<string, number>();
  const issuer = { labels: ['issuer'] };
  metrics.observed({ ...issuer, name: 'authz_jwks_keys', help: 'Keys of an issuer that are in use.' }, 'gauge', () =>
    samplesOf(keys),
  );
  const help = 'When the keys of an issuer were last loaded, in seconds since the epoch.';
  metrics.observed({ ...issuer, name: 'authz_jwks_last_success_timestamp_seconds', help }, 'gauge', () =>
    samplesOf(loadedAt),
  );
  return (name, { failure, keySet }) => {
    attempts.with(name, failure === undefined ? 'success' : 'failure').increment();
    keys.set(name, keySet?.keys.length ?? 0);
    if (failure === undefined) loadedAt.set(name, clock.now() / 1000);
  };
}

function samplesOf(values: ReadonlyMap<string, number>): readonly Sample[] {
  return Array.from(values, ([label, value]) => ({ labels: [label], value }));
}
