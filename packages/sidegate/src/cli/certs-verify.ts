/** `sidegate certs verify`: whether every certificate of a directory does what its place says. */
import type { Clock } from '@sidegate/sdk';
import { verifyPki } from '../authority/ca/verify.ts';
import { type CertsReport, findingLines, paint, refusedReport } from './certs-report.ts';
import { EXIT } from './exit-code.ts';

export async function certsVerify(directory: string, clock: Clock): Promise<CertsReport> {
  try {
    const { paths, findings } = await verifyPki(directory, { clock });
    const ok = findings.length === 0;
    const summary = ok
      ? `${paint('green', 'ok')}: ${paths.length} certificates verify`
      : `${findings.length} ${findings.length === 1 ? 'finding' : 'findings'} in ${paths.length} certificates`;
    const text = [findingLines(findings), summary].filter((part) => part !== '').join('\n');
    return { exitCode: ok ? EXIT.ok : EXIT.failed, text, json: { ok, certificates: paths, findings } };
  } catch (error) {
    return refusedReport(error);
  }
}
