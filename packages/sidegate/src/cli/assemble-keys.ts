/** Config → the keys by which tokens of others are verified, kept up to date. */
import {
  createFetchedJwks,
  createPushedJwks,
  discoveryJwksLoader,
  httpJwksLoader,
  type JwksSource,
  type KeySet,
  type KeyUse,
  Problem,
} from '@sidegate/sdk';
import type { JwtBundles, Watched } from '@sidegate/sdk/workload-api';
import { createHttpClient } from '../net/http-client.ts';
import type { Meters } from './assemble-metrics.ts';
import type { Assembly } from './assembly.ts';

export interface AssembledKeys {
  readonly keys: JwksSource;
  /** Resolves when the first usable set is there. */
  readonly loaded: Promise<void>;
}

export interface KeyPlace {
  /** For logs and metrics. */
  readonly name: string;
  /** Undefined: where the discovery document of this issuer says. */
  readonly url: string | undefined;
  readonly issuer: string;
  readonly intervalMs: number;
  readonly use?: KeyUse;
}

/** Fetched at an interval. */
export function assembleKeys(place: KeyPlace, assembly: Assembly, meters: Meters | undefined): AssembledKeys {
  const { clock, random, schedule, connectTo, logger, components } = assembly;
  return components.take('keys', place, () => {
    const { name, issuer, url, intervalMs, use } = place;
    const http = createHttpClient({ connectTo });
    const { promise: loaded, resolve } = Promise.withResolvers<void>();
    const keys = createFetchedJwks({
      load: url === undefined ? discoveryJwksLoader(http.send, issuer) : httpJwksLoader(http.send, url),
      clock,
      random,
      schedule,
      refreshIntervalSeconds: intervalMs / 1000,
      ...(use === undefined ? {} : { use }),
      onAttempt: (state) => {
        const { keySet, failure, findings } = state;
        meters?.keysLoaded(name, state);
        if (failure !== undefined) logger.warn({ issuer, reason: failure }, 'keys could not be loaded');
        for (const finding of findings) logger.warn({ issuer, ...finding }, 'a key is not used');
        if (keySet !== undefined) resolve();
      },
    });
    const close = async (): Promise<void> => {
      keys.close();
      await http.close();
    };
    return { value: { keys, loaded }, close };
  });
}

/** Of a file, which is looked at like every file of the configuration; undefined after a finding was noted. */
export function keysOfFile(
  file: string,
  use: KeyUse,
  { readFile, findings, logger, components }: Assembly,
): AssembledKeys | undefined {
  const refuse = (message: string, hint: string): undefined => {
    findings.push({ file, severity: 'error', message, hint });
  };
  let text: string;
  try {
    ({ text } = readFile(file));
  } catch {
    return refuse('cannot be read', 'it is to hold the trust bundle as a JWK set');
  }
  return components.take('keys of a file', { file, use, text }, () => {
    const keys = createPushedJwks(Buffer.from(text), use);
    const { keySet, failure = '', findings: left } = keys.state();
    if (keySet === undefined) refuse(failure, `write keys of use ${use} into it`);
    else for (const finding of left) logger.warn({ file, ...finding }, 'a key is not used');
    return { value: { keys, loaded: Promise.resolve() }, close: () => undefined };
  });
}

/** Of the Workload API; a trust domain that it has not yet, or no longer, has no keys, so that nothing of it is accepted. */
export function keysOfWorkloadApi(trustDomain: string, { identity }: Assembly): AssembledKeys | undefined {
  const watched = identity?.jwtBundles;
  // Why there is no identity has been said.
  if (watched === undefined) return undefined;
  const keys = bundleKeys(watched, trustDomain);
  return { keys, loaded: watched.first().then(() => undefined) };
}

function bundleKeys(watched: Watched<JwtBundles>, trustDomain: string): JwksSource {
  const current = (): KeySet | undefined => watched.current()?.get(trustDomain);
  return {
    current,
    refreshFor() {
      if (current() !== undefined) return undefined;
      throw new Problem('jwks_unavailable', `the Workload API has no keys of ${trustDomain}`, { retryAfterSeconds: 1 });
    },
    state() {
      const keySet = current();
      const failure = keySet === undefined ? (watched.failure() ?? 'the Workload API has no bundle of it') : undefined;
      return { keySet, failure, findings: [] };
    },
    // Others may use the stream.
    close() {},
  };
}
