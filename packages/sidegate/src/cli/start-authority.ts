/** The parts of an authority, put together in the order in which they need each other, and ended the other way round. */
import { randomBytes } from 'node:crypto';
import { IssuerRefused } from '../authority/issuer/finding.ts';
import { type IssuerOptions, startIssuer } from '../authority/issuer/start.ts';
import { type KeyRotation, rotateDueKeys } from '../authority/keys/key-rotation.ts';
import { storedSecrets } from '../authority/store/client-secrets.ts';
import { storedTokens } from '../authority/store/issued-tokens.ts';
import { storedReplays } from '../authority/store/replays.ts';
import { storedRevocations } from '../authority/store/revocations.ts';
import { type Chore, startUpkeep } from '../authority/upkeep.ts';
import type { Address } from '../config/address.ts';
import { loadAuthorityConfig } from '../config/load.ts';
import { assembleCa } from './assemble-ca.ts';
import { loadConfigFile } from './config-file.ts';
import { placeFindings } from './idp-findings.ts';
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
const TOKEN_SWEEP_MS = 60_000;
const REVOCATION_SWEEP_MS = 60_000;
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
  const held = issuerPorts();
  parts.defer(() => held.close());
  const { clock } = held.ports;

  const replay = storedReplays({ database, maxEntries: config.replay.max_entries, clock });
  const issued = storedTokens(database);
  const revocations = storedRevocations(database, () => clock.now());
  const rotation: KeyRotation = {
    realms: setup.options.realms.map(({ realm }) => realm),
    algorithms: setup.options.algorithms,
    rotateEveryMs: config.signing.rotate_every,
    publishBeforeMs: config.signing.publish_before,
    clock,
  };
  const rotate = async (): Promise<void> => {
    for (const { kid, realm, algorithm, activateAt } of await rotateDueKeys(keys, rotation)) {
      printEvent({ event: 'key', kid, realm, algorithm, signs_from: new Date(activateAt).toISOString() });
    }
  };
  await rotate();

  const chores: Chore[] = [
    { name: 'keys', everyMs: Math.min(KEY_REFRESH_MS, config.signing.publish_before / 4), run: rotate },
    { name: 'replays', everyMs: REPLAY_SWEEP_MS, run: () => replay.sweep() },
    { name: 'revocations', everyMs: REVOCATION_SWEEP_MS, run: () => revocations.sweep(clock.now()) },
    { name: 'tokens', everyMs: TOKEN_SWEEP_MS, run: () => issued.sweep(clock.now()) },
  ];
  const ca = config.ca && (await assembleCa(config.ca, store, parts));
  chores.push(...(ca?.chores ?? []));
  const upkeep = startUpkeep(chores, schedule, (event) => {
    printEvent(event, event.outcome === 'failed' ? 'error' : 'info');
  });
  parts.defer(() => upkeep.close());

  const options: IssuerOptions = {
    ...setup.options,
    ...(addr === undefined ? {} : { host: addr.host ?? '::', port: addr.port }),
    ...held.ports,
    replay,
    issued,
    revocationStore: (realm) => revocations.open(realm),
    routes: ca === undefined ? [] : [ca.routes],
    clientSecrets: storedSecrets({ database, clock, random: randomBytes }),
    openKeys: (realm) => Promise.resolve({ keys: keys.ring(realm), findings: [] }),
    log: (event) => printEvent(event, event.decision === 'refused' ? 'warn' : 'info'),
  };
  const issuer = await startIssuer(options);
  parts.defer(() => issuer.close());
  return issuer;
}

function schedule(delayMs: number, task: () => void): () => void {
  const timer = setTimeout(task, delayMs).unref();
  return () => clearTimeout(timer);
}
