/**
 * The roots, from none to the first and from one to the next, in steps that nobody notices: a new root is trusted before it signs,
 * and an old one signs nothing for a while before it is no longer trusted. No step is taken while somebody who enrolled would be
 * left behind.
 */
import type { Queries } from '../store/database.ts';
import {
  type Authority,
  isRoot,
  keepAuthority,
  newIntermediate,
  newRoot,
  type RootState,
  readAuthorities,
  signingAuthority,
} from './authorities.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { liveCertificates } from './certificates.ts';
import { liveHolders } from './holders.ts';
import { type Zone, zoneConstraints } from './identity.ts';
import { type BundleChange, bundleSequence, recordBundleChange } from './trust-bundle.ts';

/** A step that may not be taken now; `obstacles` has every reason. */
export class RotationRefused extends Error {
  override readonly name = 'RotationRefused';
  readonly obstacles: readonly string[];

  constructor(message: string, obstacles: readonly string[] = []) {
    super(message);
    this.obstacles = obstacles;
  }
}

export interface RotationStep {
  readonly root: Authority;
  /** Of the bundle that says so. */
  readonly sequence: number;
}

/**
 * The first root, and for each zone an authority whose name constraints are those of the configuration: what is missing is made.
 *
 * @returns what was made
 */
export async function establishAuthorities(ca: CertificateAuthority): Promise<readonly Authority[]> {
  try {
    return await makeMissing(ca);
  } catch (error) {
    if (!(error instanceof RotationRefused)) throw error;
    // A replica that started at the same time has made them.
    return makeMissing(ca);
  }
}

async function makeMissing(ca: CertificateAuthority): Promise<readonly Authority[]> {
  const { database, clock, trustDomain, authorities: options, sealing } = ca.options;
  const now = clock.now();
  const after = await bundleSequence(database);
  const known = await readAuthorities(database);
  const made: Authority[] = [];
  let root = rootInState(known, 'active');
  if (root === undefined) {
    root = await newRoot(trustDomain, options, { sealing, now, state: 'active' });
    made.push(root);
  }
  for (const zone of trustDomain.zones) {
    const signing = signingAuthority(known, zone.name);
    const wanted = JSON.stringify(zoneConstraints(zone, trustDomain));
    if (signing !== undefined && JSON.stringify(signing.nameConstraints) === wanted) continue;
    made.push(await newIntermediate(zone, trustDomain, { root, options, sealing, now }));
  }
  if (made.length === 0) return made;
  const change = { after, change: made.includes(root) ? 'init' : 'zone', authority: root.id, now };
  await database.transaction(async (queries) => {
    await changeBundle(queries, change);
    for (const authority of made) await keepAuthority(queries, authority);
  });
  return made;
}

/**
 * Another authority for a zone, below the same root. Whoever looks at revocation lists refuses certificates of an authority whose list
 * he does not have, so it signs only once everybody has it: see {@link signWithNewZones}.
 */
export async function rotateZone(ca: CertificateAuthority, zone: Zone): Promise<Authority> {
  const { database, clock, trustDomain, authorities: options, sealing } = ca.options;
  const now = clock.now();
  const after = await bundleSequence(database);
  const known = await readAuthorities(database);
  const root = rootInState(known, 'active');
  if (root === undefined) throw new RotationRefused('there is no root that signs; run "sidegate ca init" first');
  const waiting = waitingZones(known).find((authority) => authority.zone === zone.name);
  if (waiting !== undefined) {
    throw new RotationRefused(
      'another authority of this zone waits until everybody has its revocation list',
      await behind(database, await sequenceOf(database, 'zone', waiting), now),
    );
  }
  const made = await newIntermediate(zone, trustDomain, { root, options, sealing, now });
  await database.transaction(async (queries) => {
    await changeBundle(queries, { after, change: 'zone', authority: made.id, now });
    await keepAuthority(queries, made, 'added');
  });
  return made;
}

/** Authorities of zones sign from now on, where everybody has their revocation lists; the others go on waiting. */
export async function signWithNewZones(ca: CertificateAuthority, minAgeMs = 0): Promise<readonly Authority[]> {
  const { database, clock } = ca.options;
  return database.transaction(async (queries) => {
    const now = clock.now();
    const signing: Authority[] = [];
    for (const waiting of waitingZones(await readAuthorities(queries))) {
      if (now < waiting.createdAt + minAgeMs) continue;
      if ((await behind(queries, await sequenceOf(queries, 'zone', waiting), now)).length > 0) continue;
      await setState(queries, waiting, 'active');
      await changeBundle(queries, { after: await bundleSequence(queries), change: 'sign', authority: waiting.id, now });
      signing.push(waiting);
    }
    return signing;
  });
}

/** First step: a new root that is trusted and signs nothing. */
export async function addRoot(ca: CertificateAuthority): Promise<RotationStep> {
  const { database, clock, trustDomain, authorities: options, sealing } = ca.options;
  const now = clock.now();
  const root = await newRoot(trustDomain, options, { sealing, now, state: 'added' });
  const zones = await Promise.all(
    trustDomain.zones.map((zone) => newIntermediate(zone, trustDomain, { root, options, sealing, now })),
  );
  return database.transaction(async (queries) => {
    const after = await bundleSequence(queries);
    const roots = (await readAuthorities(queries)).filter(isRoot);
    if (rootInState(roots, 'active') === undefined) {
      throw new RotationRefused('there is no root to rotate; run "sidegate ca init" first');
    }
    const underWay = roots.find(({ state }) => state === 'added' || state === 'retiring');
    if (underWay !== undefined) {
      const next = underWay.state === 'added' ? 'both' : 'retire';
      throw new RotationRefused(`a rotation is under way; its next step is "sidegate ca rotate ${next}"`);
    }
    const sequence = await changeBundle(queries, { after, change: 'add', authority: root.id, now });
    for (const authority of [root, ...zones]) await keepAuthority(queries, authority);
    return { root, sequence };
  });
}

/** Second step: the new root signs, the old one stays trusted. Refused until everybody trusts the new one. */
export async function signWithNewRoot(ca: CertificateAuthority): Promise<RotationStep> {
  const { database, clock } = ca.options;
  return database.transaction(async (queries) => {
    const now = clock.now();
    const after = await bundleSequence(queries);
    const authorities = await readAuthorities(queries);
    const [added, active] = [rootInState(authorities, 'added'), rootInState(authorities, 'active')];
    if (added === undefined || active === undefined) {
      throw new RotationRefused('no new root was added; run "sidegate ca rotate add" first');
    }
    const since = await sequenceOf(queries, 'add', added);
    refuse('not everybody trusts the new root yet', await behind(queries, since, now));
    await setState(queries, active, 'retiring');
    await setState(queries, added, 'active');
    return { root: added, sequence: await changeBundle(queries, { after, change: 'both', authority: added.id, now }) };
  });
}

/** Third step: the old root is no longer trusted. Refused until nobody shows what it has signed. */
export async function retireRoot(ca: CertificateAuthority): Promise<RotationStep> {
  const { database, clock } = ca.options;
  return database.transaction(async (queries) => {
    const now = clock.now();
    const after = await bundleSequence(queries);
    const authorities = await readAuthorities(queries);
    const retiring = rootInState(authorities, 'retiring');
    if (retiring === undefined) {
      throw new RotationRefused('no root is retiring; run "sidegate ca rotate both" first');
    }
    const below = new Set(authorities.filter(({ root }) => root === retiring.id).map(({ id }) => id));
    const showing = (await liveHolders(queries, now)).filter(({ root }) => root === retiring.id);
    const unrenewed = (await liveCertificates(queries, now)).filter(
      ({ holder, authority, revokedAt }) => holder === undefined && revokedAt === undefined && below.has(authority),
    );
    refuse('certificates of the old root are still in use', [
      ...showing.map(
        ({ spiffeId, id, seenAt }) =>
          `${spiffeId} (holder ${id}) showed a certificate of the old root, last at ${iso(seenAt)}`,
      ),
      ...unrenewed.map(
        ({ spiffeId, serialNumber, notAfter }) =>
          `${spiffeId} has the certificate ${serialNumber}, which nobody renews, until ${iso(notAfter)}`,
      ),
    ]);
    await setState(queries, retiring, 'retired');
    return {
      root: retiring,
      sequence: await changeBundle(queries, { after, change: 'retire', authority: retiring.id, now }),
    };
  });
}

/** @throws RotationRefused when somebody else does the same */
async function changeBundle(queries: Queries, change: BundleChange): Promise<number> {
  const sequence = await recordBundleChange(queries, change);
  if (sequence === undefined) throw new RotationRefused('the trust bundle was changed at the same time; look again');
  return sequence;
}

const rootInState = (authorities: readonly Authority[], state: RootState): Authority | undefined =>
  authorities.find((authority) => isRoot(authority) && authority.state === state);

function waitingZones(authorities: readonly Authority[]): readonly Authority[] {
  const root = rootInState(authorities, 'active');
  return authorities.filter((authority) => authority.root === root?.id && authority.state === 'added');
}

/** Everybody whose bundle is older, in words. */
async function behind(queries: Queries, since: number, now: number): Promise<readonly string[]> {
  const holders = await liveHolders(queries, now);
  return holders
    .filter(({ bundleSequence }) => bundleSequence < since)
    .map(
      ({ spiffeId, id, bundleSequence, seenAt }) =>
        `${spiffeId} (holder ${id}) has the bundle ${bundleSequence}, not ${since}; last heard of at ${iso(seenAt)}`,
    );
}

async function setState(queries: Queries, { id }: Authority, state: RootState): Promise<void> {
  await queries.query('UPDATE authorities SET state = $1 WHERE id = $2', [state, id]);
}

async function sequenceOf(queries: Queries, change: string, { id }: Authority): Promise<number> {
  const [row] = await queries.query<{ sequence: number }>(
    'SELECT sequence FROM bundle_changes WHERE change = $1 AND root = $2',
    [change, id],
  );
  // A root that nobody was told of has not been told to anybody.
  return row?.sequence ?? Number.POSITIVE_INFINITY;
}

function refuse(message: string, obstacles: readonly string[]): void {
  if (obstacles.length > 0) throw new RotationRefused(message, obstacles);
}

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();
