/** `npm run bench -- ingress [--quick] [--json]`: measures beside the peers, prints ratios, keeps the result. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { type IngressRow, measureIngress } from './ingress.ts';

const RESULTS = path.join(import.meta.dirname, 'results');

await new Command('bench')
  .description('Measure the sidecar beside its peers, in one interleaved run. Needs nginx, haproxy, wrk and cc.')
  .argument('[scenario]', 'ingress', 'ingress')
  .option('--quick', 'five short rounds, under two minutes; nothing is kept')
  .option('--json', 'print JSON instead of a table')
  .action(async (scenario: string, options: { quick?: boolean; json?: boolean }) => {
    if (scenario !== 'ingress') throw new Error(`there is no scenario "${scenario}"; known: ingress`);
    requirePrograms(['nginx', 'haproxy', 'wrk', 'cc', 'taskset']);
    const quick = options.quick === true;
    const rows = await measureIngress({
      rounds: quick ? 5 : 9,
      secondsPerRound: quick ? 3 : 8,
      progress: (text) => process.stderr.write(`${text}\n`),
    });
    const table = ingressTable(rows);
    if (!quick) keep(rows, table);
    process.stdout.write(options.json === true ? `${JSON.stringify(rows)}\n` : table);
  })
  .parseAsync();

function ingressTable(rows: readonly IngressRow[]): string {
  const head =
    '| peer | what it does | CPU µs/request | against ours | requests/s | RSS MiB |\n|---|---|---|---|---|---|\n';
  const lines = rows.map(({ name, job, cpuMicrosPerRequest: cpu, ratio, requestsPerSecond, residentMebibytes }) => {
    const range = `${cpu.median.toFixed(1)} (${cpu.low.toFixed(1)}–${cpu.high.toFixed(1)})`;
    const against = `${ratio.median.toFixed(2)} × (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})`;
    return `| ${name} | ${job} | ${range} | ${against} | ${Math.round(requestsPerSecond.median)} | ${Math.round(residentMebibytes)} |\n`;
  });
  return head + lines.join('');
}

function keep(rows: readonly IngressRow[], table: string): void {
  mkdirSync(RESULTS, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(path.join(RESULTS, `${date}-ingress.json`), `${JSON.stringify(rows, undefined, 2)}\n`);
  writeFileSync(path.join(RESULTS, `${date}-ingress.md`), table);
}

function requirePrograms(names: readonly string[]): void {
  const missing = names.filter((name) => {
    try {
      execFileSync('which', [name], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length > 0)
    throw new Error(`not installed: ${missing.join(', ')} (Debian: apt-get install nginx haproxy wrk gcc)`);
}
