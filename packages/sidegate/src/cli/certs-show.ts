/** `sidegate certs show`: what certificates say, for people and as JSON; of a key never more than its kind. */
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Certificate, type Clock, formatDistinguishedName, Problem, readCertificate } from '@sidegate/sdk';
import { fileErrorCode } from '../authority/ca/file-error.ts';
import { PkiRefused } from '../authority/ca/finding.ts';
import { keyKind } from '../authority/ca/key-algorithm.ts';
import { printable } from '../authority/ca/printable.ts';
import { type CertsReport, columns, paint, refusedReport } from './certs-report.ts';
import { EXIT } from './exit-code.ts';

/** One certificate, in the words that configurations and tokens use for it. */
interface ShownCertificate {
  readonly file: string;
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly purpose: readonly string[];
  readonly key: string;
  readonly not_before: string;
  readonly not_after: string;
  /** Whole days, negative once it has expired. */
  readonly days_left: number;
  readonly serial_number: string;
  /** `x5t#S256` of RFC 8705. */
  readonly thumbprint: string;
}

/** @param sources certificate files, or directories that hold some, also one level down. */
export function certsShow(sources: readonly string[], clock: Clock): CertsReport {
  try {
    const shown = sources.flatMap(certificateFiles).flatMap((file) => describeFile(file, clock.now()));
    return { exitCode: EXIT.ok, text: shown.map(showText).join('\n\n'), json: shown };
  } catch (error) {
    return refusedReport(error);
  }
}

function certificateFiles(source: string): string[] {
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory() !== true) return [source];
  const files = readdirSync(source, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.crt'))
    .map((entry) => path.join(entry.parentPath, entry.name));
  if (files.length === 0) throw refused(source, 'missing', 'holds no .crt file');
  return files.sort();
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const MAX_FILE_BYTES = 1_048_576;

function describeFile(file: string, now: number): ShownCertificate[] {
  const blocks = readText(file).match(PEM_CERTIFICATE) ?? [];
  if (blocks.length === 0) throw refused(file, 'unreadable', 'holds no PEM certificate');
  return blocks.map((pem) => describe(file, readPem(file, pem), now));
}

function readText(file: string): string {
  try {
    if (statSync(file).size <= MAX_FILE_BYTES) return readFileSync(file, 'utf8');
  } catch (error) {
    throw refused(file, 'unreadable', `cannot be read (${fileErrorCode(error)})`);
  }
  throw refused(file, 'unreadable', `is larger than ${MAX_FILE_BYTES} bytes`);
}

function readPem(file: string, pem: string): Certificate {
  try {
    return readCertificate(new X509Certificate(pem).raw);
  } catch (error) {
    const reason = error instanceof Problem ? error.message : 'it is damaged';
    throw refused(file, 'unreadable', `holds no usable certificate: ${reason}`);
  }
}

const DAY_MS = 86_400_000;
const PURPOSES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'TLS server',
  '1.3.6.1.5.5.7.3.2': 'TLS client',
};

function describe(file: string, certificate: Certificate, now: number): ShownCertificate {
  const { subject, issuer, notBefore, notAfter, serialNumber, thumbprint, publicKey } = certificate;
  return {
    file,
    subject: formatDistinguishedName(subject),
    issuer: formatDistinguishedName(issuer),
    names: certificate.subjectAltNames.map(({ kind, value }) => `${kind}:${value}`),
    purpose: purposeOf(certificate),
    key: keyKind(publicKey),
    not_before: new Date(notBefore).toISOString(),
    not_after: new Date(notAfter).toISOString(),
    days_left: Math.floor((notAfter - now) / DAY_MS),
    serial_number: serialNumber,
    thumbprint,
  };
}

function purposeOf({ isAuthority, extendedKeyUsage }: Certificate): string[] {
  if (isAuthority) return ['certificate authority'];
  return extendedKeyUsage?.map((oid) => PURPOSES[oid] ?? oid) ?? ['any, because it names none'];
}

function showText(shown: ShownCertificate): string {
  const rows = [
    ['subject', printable(shown.subject)],
    ['issuer', printable(shown.issuer)],
    ['names', shown.names.map(printable).join(', ') || 'none'],
    ['purpose', shown.purpose.join(', ')],
    ['key', shown.key],
    ['valid', `${minute(shown.not_before)} to ${minute(shown.not_after)} UTC, ${remaining(shown.days_left)}`],
    ['serial', shown.serial_number],
    ['x5t#S256', shown.thumbprint],
  ];
  return `${paint('bold', shown.file)}\n${columns(rows.map(([label = '', value = '']) => [`  ${label}`, value]))}`;
}

const minute = (time: string): string => time.slice(0, 16).replace('T', ' ');

function remaining(days: number): string {
  if (days < 0) return paint('red', `expired ${-days} days ago`);
  return paint(days < 30 ? 'yellow' : 'green', `${days} days left`);
}

const refused = (file: string, code: 'missing' | 'unreadable', message: string): PkiRefused =>
  new PkiRefused([{ file, code, message }]);
