/**
 * Decides what to do about one planned certificate, given what is on disk; writes nothing.
 * A leaf is remade for any finding. An authority never is, because all who trust it would have to follow.
 */

import { authorityFindings, leafFindings } from './certificate-findings.ts';
import type { Finding } from './finding.ts';
import type { StoredPair } from './pair-file.ts';
import type { PlannedCertificate } from './plan.ts';
import { planFindings } from './plan-findings.ts';

export type PkiAction = 'created' | 'kept' | 'renewed';

export interface Step {
  readonly planned: PlannedCertificate;
  readonly stored: StoredPair;
  readonly action: PkiAction;
  /** Why it is renewed; empty otherwise. */
  readonly reasons: readonly string[];
  /** Not empty: nothing at all may be written. */
  readonly refusals: readonly Finding[];
}

/** The moment, and whether everything is to be renewed. */
export interface Situation {
  readonly now: number;
  readonly force: boolean;
}

const FORCED = 'renewal was asked for';

export function authorityStep(planned: PlannedCertificate, stored: StoredPair, situation: Situation): Step {
  const { certificate, findings } = stored;
  const step = { planned, stored, reasons: [], refusals: [] };
  if (situation.force) {
    return certificate === undefined
      ? { ...step, action: 'created' }
      : { ...step, action: 'renewed', reasons: [FORCED] };
  }
  if (certificate === undefined) return { ...step, action: 'created', refusals: findings.map(withAdvice) };
  const refusals = [
    ...findings,
    ...authorityFindings(certificate, situation.now),
    ...planFindings(certificate, planned.request),
  ];
  return { ...step, action: 'kept', refusals: refusals.map(withAdvice) };
}

export function leafStep(planned: PlannedCertificate, stored: StoredPair, authority: Step, situation: Situation): Step {
  const reasons = leafReasons(planned, stored, authority, situation);
  const isAbsent = stored.certificate === undefined && stored.privateKey === undefined && stored.findings.length === 0;
  const action = isAbsent ? 'created' : reasons.length > 0 ? 'renewed' : 'kept';
  const canSign = authority.action !== 'kept' || authority.stored.privateKey !== undefined;
  const refusals = action === 'kept' || canSign ? [] : [withAdvice(keyMissing(planned, authority.planned))];
  return { planned, stored, action, reasons: isAbsent ? [] : reasons, refusals };
}

function leafReasons(planned: PlannedCertificate, stored: StoredPair, authority: Step, situation: Situation): string[] {
  if (situation.force) return [FORCED];
  if (authority.action !== 'kept') return ['its authority is new'];
  const { certificate, privateKey } = stored;
  const findings = [...stored.findings];
  if (certificate === undefined) findings.push(missing(`${planned.path}.crt`));
  if (privateKey === undefined) findings.push(missing(`${planned.path}.key`));
  const issuer = authority.stored.certificate;
  if (certificate !== undefined && issuer !== undefined) {
    const purpose = planned.request.profile === 'client' ? 'client' : 'server';
    findings.push(
      ...leafFindings(certificate, issuer, { purpose, now: situation.now }),
      ...planFindings(certificate, planned.request),
    );
  }
  return findings.map(({ file, message }) => `${file}: ${message}`);
}

const missing = (file: string): Finding => ({ file, code: 'missing', message: 'is missing' });

const keyMissing = (leaf: PlannedCertificate, authority: PlannedCertificate): Finding => ({
  file: `${authority.path}.key`,
  code: 'missing',
  message: `is missing, and it has to sign ${leaf.path}.crt`,
});

const withAdvice = (finding: Finding): Finding => ({
  ...finding,
  message: `${finding.message}; bring the right file back, or renew every certificate with --force`,
});
