/** The ingress scenario: the same exchange over mutual TLS through every peer, one row for each kind of exchange. */
import type { BenchFiles } from '../files.ts';
import { interleave } from '../interleave.ts';
import { bearer, type Load, runRefused, runRound, warmUp } from '../load.ts';
import type { Peer } from '../peer.ts';
import { FLOORS, OURS, PEER_NAMES, starterOf } from '../peers/registry.ts';
import { type Finding, type Report, ratioFinding, type Target } from '../report.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { openStage } from '../stage.ts';
import { mintToken, mintTokenFile } from '../tokens.ts';

interface Row {
  readonly name: string;
  /** In the full run, and in the quick one. */
  readonly quick: boolean;
  /** By the peer's name: cost of the peer over ours. */
  readonly targets: Readonly<Record<string, Target>>;
  /** @returns the load of a round; -1 is the warm-up */
  prepare(files: BenchFiles, options: ScenarioOptions): Promise<(round: number) => Load>;
}

const CONNECTIONS = 48;
const KNOWN_TOKENS = 1_000;
/** Of a cold round; as many as the fastest peer answers in a good half second. */
const NEW_TOKENS = 6_000;
/** For the warm-up of a cold row, over and over: more than a peer remembers, so each of them is new to it every time. */
const FORGOTTEN_TOKENS = 12_000;
/** "Within 1.6 times of nginx", as a ratio of costs. */
const NEAR_NGINX = { nginx: { atLeast: 1 / 1.6 } };

const INGRESS_ROWS: readonly Row[] = [
  {
    name: 'warm',
    quick: true,
    targets: {
      nginx: { atLeast: 0.6 },
      haproxy: { atLeast: 2 },
      'jose-undici': { atLeast: 6 },
      express: { atLeast: 15 },
      envoy: { atLeast: 1 },
      'envoy-opa': { atLeast: 4 },
    },
    prepare: steady((files) => ({ headers: bearer(files) })),
  },
  {
    name: 'mixed, 1,000 tokens',
    quick: false,
    targets: {},
    async prepare(files, { seconds }) {
      const file = await mintTokenFile(files, KNOWN_TOKENS);
      const script = ['tokens.lua', file, '0', String(KNOWN_TOKENS), 'again'] as const;
      return () => ({ connections: CONNECTIONS, seconds, script });
    },
  },
  {
    name: 'cold, every token new',
    quick: true,
    targets: { haproxy: { atLeast: 0.8 } },
    async prepare(files, { rounds }) {
      const file = await mintTokenFile(files, FORGOTTEN_TOKENS + NEW_TOKENS * rounds);
      return (round) => {
        const [first, count, then] =
          round < 0 ? [0, FORGOTTEN_TOKENS, 'again'] : [FORGOTTEN_TOKENS + NEW_TOKENS * round, NEW_TOKENS, 'once'];
        return { connections: 16, seconds: 2, script: ['tokens.lua', file, String(first), String(count), then] };
      };
    },
  },
  {
    name: 'ES256',
    quick: false,
    targets: {},
    prepare: steady(({ keys }) => ({ headers: { Authorization: `Bearer ${mintToken(keys.ES256)}` } })),
  },
  { name: 'POST 1 KB', quick: false, targets: NEAR_NGINX, prepare: posting('1024', 'length') },
  { name: 'POST 64 KB', quick: false, targets: NEAR_NGINX, prepare: posting('65536', 'length') },
  { name: 'POST 64 KB, chunked', quick: false, targets: NEAR_NGINX, prepare: posting('65536', 'chunked') },
];

export async function measureIngress(options: ScenarioOptions): Promise<Report> {
  const rows = INGRESS_ROWS.filter(({ name, quick }) =>
    options.rows === undefined ? quick || !options.quick : options.rows.some((prefix) => name.startsWith(prefix)),
  );
  await using stage = await openStage();
  const peers: Peer[] = [];
  for (const name of options.peers ?? [OURS, 'haproxy', 'nginx']) {
    peers.push(await stage.start(starterOf(name, options.profiles)));
  }
  for (const peer of peers) await refusesWrongSignatures(peer, stage.files);
  const findings: Finding[] = [];
  for (const row of rows) findings.push(...(await measureRow(row, stage.files, peers, options)));
  return { findings, notes: NOTES, notMeasured: [] };
}

/** Who takes a wrong signature does another job, and may not be compared. floors and prototypes do not claim it. */
async function refusesWrongSignatures(peer: Peer, files: BenchFiles): Promise<void> {
  if (FLOORS.includes(peer.name) || ![OURS, ...PEER_NAMES].includes(peer.name)) return;
  await runRefused(peer, files, { connections: 1, seconds: 1, script: ['invalid.lua', files.token, '0', '1'] });
}

async function measureRow(
  row: Row,
  files: BenchFiles,
  peers: readonly Peer[],
  options: ScenarioOptions,
): Promise<Finding[]> {
  const loadOf = await row.prepare(files, options);
  for (const peer of peers) await warmUp(peer, files, loadOf(-1));
  const contenders = peers.map((peer) => ({
    name: peer.name,
    measure: async (round: number) => (await runRound(peer, files, loadOf(round))).cpuMicrosPerRequest,
  }));
  const [ours = [], ...others] = await interleave(row.name, contenders, options);
  return others.map((theirs, index) => {
    const { name, job } = peers[index + 1] ?? { name: '', job: '' };
    return ratioFinding(row.name, `${name}: ${job}`, { ours, theirs, costUnit: 'µs' }, row.targets[name]);
  });
}

const NOTES = [
  `${CONNECTIONS} keep-alive connections, 16 in the cold row; opened in the round, so their handshakes count.`,
  `Cold: ${NEW_TOKENS} tokens a round, signed in advance; a round ends when they are used up. HAProxy never caches.`,
];

function steady(load: (files: BenchFiles) => Partial<Load>): Row['prepare'] {
  return async (files, { seconds }) => {
    const fixed = { connections: CONNECTIONS, seconds, ...load(files) };
    return () => fixed;
  };
}

function posting(size: string, framing: 'length' | 'chunked'): Row['prepare'] {
  return steady((files) => ({ headers: bearer(files), path: '/orders/body', script: ['body.lua', size, framing] }));
}
