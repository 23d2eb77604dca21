/** The parts of an authority, put together in the order in which they need each other, and ended the other way round. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '@sidegate/sdk';
import type { Unready } from '../admin/health.ts';
import { takeInventory } from '../authority/inventory.ts';
import { IssuerRefused } from '../authority/issuer/finding.ts';
import { type IssuerOptions, startIssuer } from '../authority/issuer/start.ts';
import { type KeyRotation, rotateDueKeys } from '../authority/keys/key-rotation.ts';
import type { KeyStore } from '../authority/keys/key-store.ts';
import { storedSecrets } from '../authority/store/client-secrets.ts';
import { storedTokens } from '../authority/store/issued-tokens.ts';
import { storedRevocations } from '../authority/store/revocations.ts';
import { type Chore, startUpkeep } from '../authority/upkeep.ts';
import type { Address } from '../config/address.ts';
import { loadAuthorityConfig } from '../config/load.ts';
import { assembleCa } from './assemble-ca.ts';
import { assembleReplays } from './assemble-replays.ts';
import { assembleWorkloadApi, svidRing } from './assemble-workload-api.ts';
import { listenAdmin } from './authority-admin.ts';
import { AuthorityMetrics } from './authority-metrics.ts';
import { loadConfigFile } from './config-file.ts';
import { eventLog } from './event-log.ts';
import { placeFindings } from './idp-findings.ts';
import { inventorySources } from './inventory-sources.ts';
import { type IssuerSetup, readIssuer } from './issuer-config.ts';
import { issuerPorts } from './issuer-ports.ts';
import { type OpenedStore, openStore } from './open-store.ts';
import { printEvent } from './print-event.ts';
import { fromDiagnostic, type StartFinding, StartRefused } from './start-finding.ts';

export interface AuthorityStart {
  readonly config: string;
  readonly root?: string;
  /** In place of the configured one. */
  readonly addr?: Address;
}

export interface RunningAuthority {
  readonly url: string;
  readonly warnings: readonly StartFinding[];
  /** Finishes what is under way. */
  close(): Promise<void>;
}

const REPLAY_SWEEP_MS = 5_000;
const MINUTE_MS = 60_000;
const ADMIN_CLOSE_MS = 1_000;
/** Replicas see each other's keys at least so often, and four times before one of them signs. */
const KEY_REFRESH_MS = 5_000;

/** @throws StartRefused */
export async function startAuthority({ config: file, root, addr }: AuthorityStart): Promise<RunningAuthority> {
  const paths = { env: process.env, root };
  const loaded = loadConfigFile(loadAuthorityConfig, file, paths);
  if (!loaded.ok) throw new StartRefused(loaded.diagnostics.map(fromDiagnostic));
  const setup = readIssuer(loaded.config, loaded.warnings.map(fromDiagnostic), paths);
  await using parts = new AsyncDisposableStack();
  const store = await openStore(loaded.config, file);
  parts.defer(() => store.database.close());
  const issuer = await startParts(setup, store, addr, parts).catch((error: unknown) => {
    if (!(error instanceof IssuerRefused)) throw error;
    throw new StartRefused([...setup.warnings, ...placeFindings(error.findings, setup.realmFiles)]);
  });
  const running = parts.move();
  return {
    url: issuer.url,
    warnings: [...setup.warnings, ...placeFindings(issuer.warnings, setup.realmFiles)],
    close: () => running.disposeAsync(),
  };
}

async function startParts(
  setup: IssuerSetup,
  store: OpenedStore,
  addr: Address | undefined,
  parts: AsyncDisposableStack,
) {
  const { config, database, keys } = store;
  const held = issuerPorts(setup.proofs);
  parts.defer(() => held.close());
  const { clock } = held.ports;
  const metrics = new AuthorityMetrics();

  const { replay, stored: replays } = assembleReplays(config, store, { clock, parts });
  const issued = storedTokens(database);
  const revocations = storedRevocations(database, () => clock.now());
  const rotate = keyRotation(setup, store, clock);
  const concerns = countConcerns(setup, store, clock);
  await rotate();
  await concerns.run();

  const chores: Chore[] = [
    { name: 'keys', everyMs: Math.min(KEY_REFRESH_MS, config.signing.publish_before / 4), run: rotate },
    ...(replays === undefined ? [] : [{ name: 'replays', everyMs: REPLAY_SWEEP_MS, run: () => replays.sweep() }]),
    { name: 'revocations', everyMs: MINUTE_MS, run: () => revocations.sweep(clock.now()) },
    { name: 'tokens', everyMs: MINUTE_MS, run: () => issued.sweep(clock.now()) },
    { name: 'inventory', everyMs: MINUTE_MS, run: concerns.run },
  ];
  const svids = config.ca && config.workload_api && keys.ring(svidRing(config.ca.trust_domain));
  const ca = config.ca && (await assembleCa(config.ca, store, { jwtKeys: () => svids?.published() ?? [], parts }));
  chores.push(...(ca?.chores ?? []));
  if (ca !== undefined && svids !== undefined && config.workload_api !== undefined) {
    const given = { ca: ca.ca, lists: ca.lists, federated: ca.federated, keys: svids, clock, schedule, parts };
    chores.push(...(await assembleWorkloadApi(config.workload_api, given)));
  }
  const upkeep = startUpkeep(chores, schedule, (event) => {
    printEvent(event, event.outcome === 'failed' ? 'error' : 'info');
  });
  parts.defer(() => upkeep.close());

  const log = eventLog((lines) => process.stdout.write(lines));
  const options: IssuerOptions = {
    ...setup.options,
    ...(addr === undefined ? {} : { host: addr.host ?? '::', port: addr.port }),
    ...held.ports,
    replay,
    issued,
    revocationStore: (realm) => revocations.open(realm),
    routes: ca === undefined ? [] : [ca.routes],
    ...(ca === undefined ? {} : { ownCertificates: ca.certificates }),
    clientSecrets: storedSecrets({ database, clock, random: randomBytes }),
    openKeys: (realm) => Promise.resolve({ keys: keys.ring(realm), findings: [] }),
    log: (event) => {
      metrics.count(event);
      log(event, event.decision === 'refused' ? 'warn' : 'info');
    },
  };
  const issuer = await startIssuer(options);
  parts.defer(() => issuer.close());

  if (config.admin !== undefined) {
    const { counts } = concerns;
    const maxReplays = config.replay.max_entries;
    metrics.observe({ keys, replays, maxReplays, upkeep, concerns: counts, now: () => clock.now() });
    const state = { metrics: metrics.metrics, unready: () => unready(setup, keys) };
    const admin = await listenAdmin(config.admin, state).catch((error: NodeJS.ErrnoException) => {
      throw new IssuerRefused([
        { where: { address: 'admin.addr' }, severity: 'error', message: `cannot listen (${error.code})` },
      ]);
    });
    parts.defer(() => admin.close(ADMIN_CLOSE_MS));
    printEvent({ event: 'admin_listening', port: admin.address.port });
  }
  return issuer;
}

function keyRotation({ options }: IssuerSetup, { config, keys }: OpenedStore, clock: Clock): () => Promise<void> {
  const svids = config.workload_api === undefined || config.ca === undefined ? [] : [svidRing(config.ca.trust_domain)];
  const rotation: KeyRotation = {
    realms: [...options.realms.map(({ realm }) => realm), ...svids],
    algorithms: options.algorithms,
    rotateEveryMs: config.signing.rotate_every,
    publishBeforeMs: config.signing.publish_before,
    clock,
  };
  return async () => {
    for (const { kid, realm, algorithm, activateAt } of await rotateDueKeys(keys, rotation)) {
      printEvent({ event: 'key', kid, realm, algorithm, signs_from: new Date(activateAt).toISOString() });
    }
  };
}

interface Concerns extends Pick<Chore, 'run'> {
  /** Of the last inventory, by kind; every kind that was ever there. */
  readonly counts: () => ReadonlyMap<string, number>;
}

function countConcerns({ options }: IssuerSetup, store: OpenedStore, clock: Clock): Concerns {
  const counts = new Map<string, number>();
  return {
    counts: () => counts,
    run: async () => {
      const sources = await inventorySources(store, options.realms);
      const items = takeInventory(sources, clock.now(), store.config.inventory.warn_before);
      for (const kind of counts.keys()) counts.set(kind, 0);
      for (const { kind, concern } of items) {
        counts.set(kind, (counts.get(kind) ?? 0) + (concern === undefined ? 0 : 1));
      }
    },
  };
}

function unready({ options }: IssuerSetup, keys: KeyStore): Unready[] {
  return options.realms.flatMap(({ realm, enabled }): Unready[] => {
    const signs = options.algorithms.every((algorithm) => keys.ring(realm).current(algorithm) !== undefined);
    if (signs || enabled === false) return [];
    return [{ code: 'keys_missing', issuer: realm, detail: 'no key signs' }];
  });
}

function schedule(delayMs: number, task: () => void): () => void {
  const timer = setTimeout(task, delayMs).unref();
  return () => clearTimeout(timer);
}
