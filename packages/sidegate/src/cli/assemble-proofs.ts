/** Config → how DPoP proofs are checked, and where it is remembered that they were used. */
import { createDpopNonces, memoryReplayStore, type ReplayStore, redisReplayStore } from '@sidegate/sdk';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { ProofOptions } from '../ingress/prove-key.ts';
import { openRedis } from './assemble-redis.ts';
import type { Assembly } from './assembly.ts';

const NONCE_SECRET_BYTES = 32;

export function assembleProofs({ proxy, jwt }: SidecarConfig, assembly: Assembly): ProofOptions | undefined {
  const { dpop } = proxy.auth;
  if (!dpop.enabled) return undefined;
  refuseSeparateWorkers(dpop, assembly);
  const { clock, components, randomHex } = assembly;
  const nonces = dpop.require_nonce
    ? components.take('dpop nonces', dpop.nonce_secret, () => {
        const secret = Buffer.from(dpop.nonce_secret?.reveal() ?? randomHex(NONCE_SECRET_BYTES));
        return { value: createDpopNonces({ secret, clock }), close: () => undefined };
      })
    : undefined;
  return {
    origins: dpop.origins,
    maxAgeSeconds: dpop.max_age / 1000,
    clockSkewSeconds: jwt.validation.clock_skew / 1000,
    nonces,
    replays: assembleReplays(dpop.replay_store, assembly),
    clock,
    challenge: { nonce: nonces && (() => nonces.current()) },
  };
}

type Dpop = SidecarConfig['proxy']['auth']['dpop'];

/** What was used at one worker would be new to the next, and a nonce of one worker unknown to the others. */
function refuseSeparateWorkers({ replay_store: store, require_nonce, nonce_secret }: Dpop, assembly: Assembly): void {
  if (assembly.gather === undefined) return;
  const refuse = (key: string, message: string, hint: string): void => {
    assembly.findings.push({ file: `proxy.auth.dpop.${key}`, severity: 'error', message, hint });
  };
  if (store.type === 'memory') refuse('replay_store.type', 'is of one process, and there are several workers', 'redis');
  if (require_nonce && nonce_secret === undefined) {
    refuse('nonce_secret', 'is required, since there are several workers', 'openssl rand -base64 32');
  }
}

function assembleReplays(store: Dpop['replay_store'], assembly: Assembly): ReplayStore {
  const { clock, components } = assembly;
  const { max_entries: maxEntries, redis } = store;
  const commands = redis && openRedis('proxy.auth.dpop.replay_store', redis, assembly);
  if (redis !== undefined && commands !== undefined) {
    return redisReplayStore({ command: commands.send, keyPrefix: redis.key_prefix, clock });
  }
  return components.take('replays', maxEntries, () => ({
    value: memoryReplayStore({ maxEntries, clock }),
    close: () => undefined,
  }));
}
