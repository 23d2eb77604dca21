/** The issuer scenario: tokens by client credentials, beside oidc-provider; and what ten thousand clients cost. */
import { residentBytes } from '../cpu.ts';
import { type Contender, interleave } from '../interleave.ts';
import { type Load, runRound, warmUp } from '../load.ts';
import type { Peer } from '../peer.ts';
import {
  AUTHORITY_PATH,
  CLIENT_FORM,
  type IssuerAlgorithm,
  type IssuerOptions,
  OIDC_PROVIDER_PATH,
  startAuthorityPeer,
  startOidcProvider,
} from '../peers/issuers.ts';
import { type Finding, type Report, ratioFinding } from '../report.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { signatureMicros } from '../signature-cost.ts';
import { openStage, type Stage } from '../stage.ts';
import { summarize } from '../stats.ts';

const ALGORITHMS: readonly IssuerAlgorithm[] = ['RS256', 'ES256'];
const MANY_CLIENTS = 10_000;
const MANY_REVOKED = 1_000_000;

interface Contestant {
  readonly name: string;
  readonly peer: Peer;
  readonly path: string;
}

export async function measureIssuer(options: ScenarioOptions): Promise<Report> {
  await using stage = await openStage();
  const findings: Finding[] = [];
  for (const algorithm of ALGORITHMS) {
    const ours = await stage.start((files) => startAuthorityPeer(files, { algorithm, profiles: options.profiles }));
    const theirs = await stage.start((files) => startOidcProvider(files, { algorithm }));
    const contestants = [
      { name: 'sidegate', peer: ours, path: AUTHORITY_PATH },
      { name: theirs.name, peer: theirs, path: OIDC_PROVIDER_PATH },
    ];
    const signature = {
      name: 'the signature alone',
      measure: async () => signatureMicros(stage.files.keys[algorithm].privateKey),
    };
    const row = `${algorithm} tokens`;
    const [own = [], other = [], bare = []] = await measure(row, contestants, { stage, options }, [signature]);
    const against = `${theirs.name}: ${theirs.job}`;
    const costUnit = 'µs';
    findings.push(ratioFinding(row, against, { ours: own, theirs: other, costUnit }, { atLeast: 3 }));
    findings.push(ratioFinding(`${algorithm} signature alone`, theirs.name, { ours: bare, theirs: other, costUnit }));
  }
  const start = (more: Partial<IssuerOptions>) =>
    stage.start((files) => startAuthorityPeer(files, { algorithm: 'ES256', clients: 10, ...more }));
  const few = await start({});
  const grown = [
    { name: `${MANY_CLIENTS} clients`, peer: await start({ clients: MANY_CLIENTS }) },
    { name: `${MANY_REVOKED} revoked tokens`, peer: await start({ revoked: MANY_REVOKED }) },
  ];
  for (const { name, peer } of grown) {
    const pair = [
      { name, peer, path: AUTHORITY_PATH },
      { name: 'few', peer: few, path: AUTHORITY_PATH },
    ];
    const [large = [], small = []] = await measure(name, pair, { stage, options });
    const costs = { ours: large, theirs: small, costUnit: 'µs' };
    findings.push(ratioFinding(name, 'itself with 10 clients and nothing revoked', costs, { atLeast: 0.85 }));
    findings.push({ row: `${name}, resident`, against: 'itself', value: summarize([mebibytes(peer)]), unit: 'MiB' });
  }
  findings.push({ row: 'few, resident', against: 'itself', value: summarize([mebibytes(few)]), unit: 'MiB' });
  return { findings, notes: ['Ours is on disk before it is answered; oidc-provider keeps nothing.'], notMeasured: [] };
}

function mebibytes({ process: child }: Peer): number {
  return residentBytes(child.pid ?? 0) / 1_048_576;
}

async function measure(
  row: string,
  contestants: readonly Contestant[],
  { stage, options }: { readonly stage: Stage; readonly options: ScenarioOptions },
  beside: readonly Contender[] = [],
): Promise<number[][]> {
  const load = ({ path }: Contestant): Load => ({
    scheme: 'http',
    connections: 48,
    seconds: options.seconds,
    path,
    script: ['form.lua', CLIENT_FORM],
  });
  for (const contestant of contestants) await warmUp(contestant.peer, stage.files, load(contestant));
  const rounds = contestants.map((contestant) => ({
    name: contestant.name,
    measure: async () => (await runRound(contestant.peer, stage.files, load(contestant))).cpuMicrosPerRequest,
  }));
  return interleave(row, [...rounds, ...beside], options);
}
