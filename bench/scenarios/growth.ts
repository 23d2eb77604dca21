/** The growth scenario: what a request costs us among many tokens, many rules, many idle connections, over among few. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchFiles } from '../files.ts';
import { holdIdle } from '../generator.ts';
import { interleave } from '../interleave.ts';
import { bearer, type Load, runRound, warmUp } from '../load.ts';
import type { Peer } from '../peer.ts';
import { startSidegate } from '../peers/sidegate.ts';
import { type Finding, type Report, ratioFinding } from '../report.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { ingressYaml, ordersPolicy } from '../sidecar-config.ts';
import { openStage, type Stage } from '../stage.ts';
import { mintTokenFile } from '../tokens.ts';

/** Flat: what is above this is a cost; what is below is noise on a shared machine. */
const FLAT = { atLeast: 1 / 1.15 };

/** What opening two thousand connections leaves behind is not their cost. */
const SETTLE_MS = 1_000;

interface Pair {
  readonly row: string;
  readonly few: () => Promise<number>;
  readonly many: () => Promise<number>;
}

export async function measureGrowth(options: ScenarioOptions): Promise<Report> {
  await using stage = await openStage();
  const { files } = stage;
  const load: Load = { connections: 48, seconds: options.seconds, headers: bearer(files) };
  const small = await withRules(stage, 10);
  const large = await withRules(stage, 1_000);
  const tokens = (await tokensLoads(files, load)).map((load) => () => cost(small, files, load));
  for (const peer of [small, large]) await warmUp(peer, files, load);
  const plain = (peer: Peer) => () => cost(peer, files, load);
  const pairs: Pair[] = [
    { row: '1 to 1,000 tokens', few: tokens[0] ?? plain(small), many: tokens[1] ?? plain(small) },
    { row: '10 to 1,000 rules', few: plain(small), many: plain(large) },
    { row: '1 to 2,000 idle connections', few: beside(small, files, load, 1), many: beside(small, files, load, 2_000) },
  ];
  const findings: Finding[] = [];
  for (const pair of pairs) findings.push(await grow(pair, options));
  const notes = ['Growth: a figure below 1 is what many cost more than few; 0.87 is 15 % more.'];
  return { findings, notes, notMeasured: [] };
}

async function grow({ row, few, many }: Pair, options: ScenarioOptions): Promise<Finding> {
  const contenders = [
    { name: 'many', measure: many },
    { name: 'few', measure: few },
  ];
  await few();
  await many();
  const [ours = [], theirs = []] = await interleave(row, contenders, options);
  return ratioFinding(row, 'itself with few', { ours, theirs, costUnit: 'µs' }, FLAT);
}

async function withRules(stage: Stage, rules: number): Promise<Peer> {
  const { files } = stage;
  files.write(`policy-${rules}/orders.rego`, ordersPolicy(rules));
  const yaml = ingressYaml(files.directory, files.jwksUrl, `${files.directory}/policy-${rules}`);
  const config = files.write(`sidecar-${rules}.yaml`, yaml);
  return stage.start((files, origin) => startSidegate(files, origin, { config }));
}

/** The same script with one token and with a thousand. */
async function tokensLoads(files: BenchFiles, { connections, seconds }: Load): Promise<Load[]> {
  const file = await mintTokenFile(files, 1_000);
  return ['1', '1000'].map((count) => ({ connections, seconds, script: ['tokens.lua', file, '0', count, 'again'] }));
}

function beside(peer: Peer, files: BenchFiles, load: Load, idle: number): () => Promise<number> {
  return async () => {
    await using _held = await holdIdle(peer, files, idle);
    await sleep(SETTLE_MS);
    return cost(peer, files, load);
  };
}

async function cost(peer: Peer, files: BenchFiles, load: Load): Promise<number> {
  return (await runRound(peer, files, load)).cpuMicrosPerRequest;
}
