/** The ca scenario: certificates per CPU second, from the request in PEM to the row in the store, beside the bare signatures of it. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createSigningRequest } from '@sidegate/sdk';
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from '../packages/sidegate/src/authority/enrolment/certificate-authority.ts';
import type { Identity } from '../packages/sidegate/src/authority/enrolment/identity.ts';
import { createRevocationLists } from '../packages/sidegate/src/authority/enrolment/revocation-lists.ts';
import { establishAuthorities } from '../packages/sidegate/src/authority/enrolment/rotation.ts';
import { sealing } from '../packages/sidegate/src/authority/keys/sealing.ts';
import { openSqlite } from '../packages/sidegate/src/authority/store/sqlite.ts';
import { markdownTable } from './markdown.ts';
import { type Summary, summarize } from './stats.ts';

export interface CaReport {
  readonly rows: readonly {
    readonly name: string;
    /** Certificates per CPU second. */
    readonly certificates: Summary;
    /** CPU beside that of the signatures alone, in the same round. */
    readonly overBare: Summary;
  }[];
  readonly growth: readonly { readonly name: string; readonly value: string }[];
}

export interface CaOptions {
  readonly rounds: number;
  readonly progress: (text: string) => void;
}

const BATCH = 50;
const HOUR_MS = 3_600_000;
const MANY = 20_000;

const ORDER_SERVICE: Identity = {
  service: 'order-service',
  zone: 'zone2',
  profile: 'svid',
  dnsNames: ['order-service.zone2.local'],
  ipAddresses: [],
  validForMs: 24 * HOUR_MS,
};

export async function measureCertificates({ rounds, progress }: CaOptions): Promise<CaReport> {
  const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-bench-ca-'));
  try {
    const authority = await openAuthority(path.join(directory, 'authority.db'));
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const csr = createSigningRequest({ commonName: 'order-service' }, privateKey);
    const work: Readonly<Record<string, () => Promise<unknown>>> = {
      'issued by the command': () => authority.ca.issue(ORDER_SERVICE, { csr }),
      'enrolled with a join token': async () =>
        authority.ca.enrol(await authority.ca.createJoinToken(ORDER_SERVICE, Date.now() + HOUR_MS), { csr }),
    };
    const rows = [];
    for (const [name, task] of Object.entries(work)) {
      progress(name);
      rows.push({ name, ...(await interleaved(task, bareSignatures(privateKey), rounds)) });
    }
    return { rows, growth: await growth(authority, csr, progress) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export function caTable({ rows, growth }: CaReport): string {
  const lines = rows.map(({ name, certificates, overBare }) => [
    name,
    `${certificates.median.toFixed(0)} (${certificates.low.toFixed(0)}–${certificates.high.toFixed(0)})`,
    `${overBare.median.toFixed(1)} × (${overBare.low.toFixed(1)}–${overBare.high.toFixed(1)})`,
  ]);
  const first = markdownTable(
    ['certificate', 'per CPU second', 'CPU beside one ECDSA verification and one signature'],
    lines,
  );
  return `${first}\n${markdownTable(
    ['growth', ''],
    growth.map(({ name, value }) => [name, value]),
  )}`;
}

interface OpenedAuthority {
  readonly ca: CertificateAuthority;
  readonly time: { nowMs: number };
}

async function openAuthority(file: string): Promise<OpenedAuthority> {
  const time = { nowMs: Date.now() };
  const ca = createCertificateAuthority({
    database: await openSqlite(file),
    sealing: sealing([randomBytes(32)], randomBytes),
    clock: { now: () => time.nowMs },
    random: randomBytes,
    trustDomain: {
      name: 'example.org',
      organization: 'MyOrg',
      zones: [{ name: 'zone2', dnsDomains: ['zone2.local'], ipRanges: [] }],
    },
    authorities: { keyAlgorithm: 'P-256', rootValidForMs: 9000 * HOUR_MS, intermediateValidForMs: 9000 * HOUR_MS },
    bundleRefreshHintSeconds: 300,
  });
  await establishAuthorities(ca);
  return { ca, time };
}

/** What no authority gets around: the request's signature is verified, the certificate is signed. */
function bareSignatures(key: KeyObject): () => Promise<void> {
  const bytes = randomBytes(600);
  const signature = sign('sha256', bytes, key);
  return async () => {
    verify('sha256', bytes, key, signature);
    sign('sha256', bytes, key);
  };
}

async function interleaved(task: () => Promise<unknown>, bare: () => Promise<unknown>, rounds: number) {
  const own: number[] = [];
  const ratios: number[] = [];
  await batch(task);
  await batch(bare);
  for (let round = 0; round < rounds; round += 1) {
    const micros = await batch(task);
    own.push(1e6 / micros);
    ratios.push(micros / (await batch(bare)));
  }
  return { certificates: summarize(own), overBare: summarize(ratios) };
}

/** @returns microseconds of CPU a call; the calls of a batch run beside each other, as those of many clients do */
async function batch(task: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: BATCH }, task));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / BATCH;
}

/** Cost with few and with many certificates in the store, and of a revocation list with many entries. */
async function growth({ ca }: OpenedAuthority, csr: string, progress: CaOptions['progress']) {
  progress(`growth to ${MANY} certificates`);
  const cost = async (): Promise<number> => {
    const micros = [];
    for (let round = 0; round < 11; round += 1) micros.push(await batch(() => ca.issue(ORDER_SERVICE, { csr })));
    return summarize(micros).median;
  };
  const few = await cost();
  const { database } = ca.options;
  const [known] = await database.query<{ authority: string }>('SELECT authority FROM certificates LIMIT 1');
  await database.transaction(async (queries) => {
    for (let index = 0; index < MANY; index += 1) {
      await queries.query(
        `INSERT INTO certificates (thumbprint, serial_number, authority, spiffe_id, identity, not_before, not_after, revoked_at)
         VALUES ($1, $2, $3, 'spiffe://example.org/zone2/filler', '{"zone":"zone2"}', 0, $4, $5)`,
        [
          `t${index}`,
          (0x10000000 + index).toString(16),
          known?.authority ?? '',
          Date.now() + HOUR_MS,
          index % 10 === 0 ? 1 : null,
        ],
      );
    }
  });
  const many = await cost();
  const before = process.cpuUsage();
  const lists = await createRevocationLists(ca, 24 * HOUR_MS).current();
  const { user, system } = process.cpuUsage(before);
  const bytes = Math.max(...[...lists.values()].map(({ length }) => length));
  return [
    {
      name: `cost of a certificate among ${MANY} beside that among a few thousand`,
      value: `${(many / few).toFixed(2)} ×`,
    },
    {
      name: `a revocation list of ${MANY / 10} entries, beside one certificate`,
      value: `${((user + system) / few).toFixed(0)} × the CPU, ${(bytes / 1024).toFixed(0)} KiB`,
    },
  ];
}
