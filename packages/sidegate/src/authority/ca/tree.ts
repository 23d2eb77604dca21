/**
 * Carries out a plan in a directory: makes what is absent, keeps what still verifies, remakes leaves that do not,
 * and refuses to touch an authority that is damaged. Decides everything before it writes anything; an interrupted
 * run is completed by the next one, and two runs at a time follow each other.
 */

import { strict as assert } from 'node:assert';
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { Clock } from '@sidegate/sdk';
import { PkiRefused } from './finding.ts';
import { issueAuthority, issueBelow } from './issue.ts';
import { generateKey, keyKind, leafKeyAlgorithm } from './key-algorithm.ts';
import { readPair, writePair } from './pair-file.ts';
import { type PkiPlan, type PlannedBranch, plannedBranches, planProblems } from './plan.ts';
import { lockTree } from './tree-lock.ts';
import { authorityStep, leafStep, type PkiAction, type Step } from './tree-step.ts';

/** What was done about one planned certificate. */
export interface PkiEntry {
  /** Relative to the directory and without ending: `gateway/server`. */
  readonly path: string;
  readonly action: PkiAction;
  readonly keyKind: string;
  readonly notAfter: Date;
  /** Why it was renewed; empty otherwise. */
  readonly reasons: readonly string[];
}

export interface PkiOptions {
  readonly clock: Clock;
  /** Renew everything, authorities and their keys too. */
  readonly force?: boolean;
}

/**
 * Makes the directory hold every certificate of the plan. Nothing is written when anything is refused.
 *
 * @throws {PkiRefused} with every reason: a plan that cannot be carried out, an authority that is damaged, a
 * directory that cannot be written, or another run that keeps it busy.
 */
export async function establishPki(plan: PkiPlan, directory: string, options: PkiOptions): Promise<PkiEntry[]> {
  const problems = planProblems(plan);
  if (problems.length > 0) throw new PkiRefused(problems.map((message) => ({ file: 'plan', code: 'plan', message })));

  using _lock = await lockTree(directory);
  const run: Run = { plan, directory, now: options.clock.now(), force: options.force === true };
  const branches = await Promise.all(plannedBranches(plan).map((branch) => decide(branch, run)));
  const refusals = branches.flatMap(({ authority, leaves }) => [authority, ...leaves]).flatMap((step) => step.refusals);
  if (refusals.length > 0) throw new PkiRefused(refusals);
  return (await Promise.all(branches.map((branch) => carryOut(branch, run)))).flat();
}

interface Run {
  readonly plan: PkiPlan;
  readonly directory: string;
  readonly now: number;
  readonly force: boolean;
}

interface Branch {
  readonly authority: Step;
  readonly leaves: readonly Step[];
}

async function decide(branch: PlannedBranch, run: Run): Promise<Branch> {
  const stored = await readPair(run.directory, branch.authority.path);
  const authority = authorityStep(branch.authority, stored, run);
  const leaves = await Promise.all(
    branch.leaves.map(async (leaf) => leafStep(leaf, await readPair(run.directory, leaf.path), authority, run)),
  );
  return { authority, leaves };
}

/** The authority first: a run that ends in between leaves leaves that the next run sees do not fit. */
async function carryOut({ authority, leaves }: Branch, run: Run): Promise<PkiEntry[]> {
  const issuer = kept(authority) ?? (await makeAuthority(authority, run));
  const certificates = leaves.map(async (leaf) => entry(leaf, kept(leaf) ?? (await makeLeaf(leaf, issuer, run))));
  return [entry(authority, issuer), ...(await Promise.all(certificates))];
}

interface Pair {
  readonly certificate: X509Certificate;
  /** An authority whose key is kept elsewhere has none here. */
  readonly privateKey: KeyObject | undefined;
}

function kept({ action, stored }: Step): Pair | undefined {
  if (action !== 'kept' || stored.certificate === undefined) return undefined;
  return { certificate: stored.certificate.certificate, privateKey: stored.privateKey };
}

async function makeAuthority({ planned, stored }: Step, { plan, directory, now, force }: Run): Promise<Pair> {
  // A key without certificate is what an interrupted run leaves; it is certified rather than thrown away.
  const privateKey =
    force || stored.privateKey === undefined ? await generateKey(plan.keyAlgorithm) : stored.privateKey;
  const issuer = { certificate: await issueAuthority(planned.request, privateKey, now), privateKey };
  await writePair(directory, planned.path, issuer);
  return issuer;
}

async function makeLeaf({ planned }: Step, issuer: Pair, { plan, directory, now }: Run): Promise<Pair> {
  const { certificate, privateKey: signingKey } = issuer;
  assert(signingKey, `${planned.path} was to be refused without its authority's key`);
  const privateKey = await generateKey(leafKeyAlgorithm(plan.keyAlgorithm));
  const made = await issueBelow(planned.request, privateKey, { certificate, privateKey: signingKey }, now);
  const pair = { certificate: made, privateKey };
  await writePair(directory, planned.path, pair);
  return pair;
}

function entry({ planned, action, reasons }: Step, { certificate }: Pair): PkiEntry {
  return {
    path: planned.path,
    action,
    keyKind: keyKind(certificate.publicKey),
    notAfter: certificate.validToDate,
    reasons,
  };
}
