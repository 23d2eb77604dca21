/** The doctor's report, for people and for programs. Neither holds a token, a secret or the body of an answer. */
import { excerpt } from '@sidegate/sdk';
import { paint } from './certs-report.ts';
import type { HopAnswers } from './doctor-calls.ts';
import type { DoctorFinding } from './doctor-diagnosis.ts';
import type { DoctorKey, TokenFacts } from './doctor-token.ts';

export interface DoctorReport {
  readonly token: TokenFacts | undefined;
  readonly key: DoctorKey | undefined;
  readonly hops: readonly HopAnswers[];
  readonly findings: readonly DoctorFinding[];
}

export function reportAsText({ token, key, hops, findings }: DoctorReport): string {
  const lines = [
    ...(token === undefined ? [] : [`token    ${tokenLine(token)}`]),
    ...(key === undefined ? [] : [`key      ${key.fingerprint}`]),
    ...hops.map(
      ({ name, url, token: shown, nothing, user }) =>
        `${name.padEnd(8)} ${url}: ${shown.status ?? 'no answer'} with the token, ${nothing.status ?? 'no answer'} without` +
        (user === undefined ? '' : `, ${user.status ?? 'no answer'} with a user's`),
    ),
    ...findings.flatMap((each) => [
      `${paint('red', each.case)}: ${each.title}`,
      `  seen: ${each.evidence}`,
      `  do:   ${each.remedy}`,
    ]),
  ];
  if (findings.length === 0 && token !== undefined) lines.push(`${paint('green', 'ok')}: nothing is wrong`);
  return `${lines.join('\n')}\n`;
}

function tokenLine({ service, type, algorithm, expires }: TokenFacts): string {
  const until = expires === undefined ? 'without end' : `until ${new Date(expires * 1000).toISOString()}`;
  const shown = (text: string | undefined): string => (text === undefined ? 'absent' : excerpt(text));
  return `of ${shown(service)}, type ${shown(type)}, alg ${shown(algorithm)}, ${until}`;
}

export function reportAsJson({ token, key, hops, findings }: DoctorReport): object {
  const told = ({ status, code }: HopAnswers['token']) => ({ status: status ?? null, code: code ?? null });
  return {
    ok: findings.length === 0,
    token: token ?? null,
    key_fingerprint: key?.fingerprint ?? null,
    hops: hops.map(({ name, url, token: shown, nothing, user, otherHeader }) => ({
      hop: name,
      url,
      token: told(shown),
      nothing: told(nothing),
      ...(user === undefined ? {} : { user: told(user) }),
      ...(otherHeader === undefined ? {} : { other_header: told(otherHeader) }),
    })),
    findings,
  };
}
