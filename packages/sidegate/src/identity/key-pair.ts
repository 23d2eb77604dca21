/** A certificate chain and its private key from files: both readable, belonging together, the key nobody else's to read. */
import { createPrivateKey, X509Certificate } from 'node:crypto';

/** One file as the start reads it; `mode` are the permission bits. */
export interface FileContent {
  readonly text: string;
  readonly mode: number;
}

/** @throws Error when the file cannot be read */
export type ReadFile = (path: string) => FileContent;

export interface KeyPair {
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
}

/** What is wrong with a file, and what to do. */
export interface FileFinding {
  readonly file: string;
  readonly message: string;
  readonly hint: string;
}

export type Loaded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly findings: FileFinding[] };

export function loadKeyPair(certFile: string, keyFile: string, readFile: ReadFile): Loaded<KeyPair> {
  const cert = loadCertificates(certFile, readFile);
  const key = loadPrivateKey(keyFile, readFile);
  if (!cert.ok || !key.ok)
    return { ok: false, findings: [...(cert.ok ? [] : cert.findings), ...(key.ok ? [] : key.findings)] };
  if (!new X509Certificate(cert.value).checkPrivateKey(createPrivateKey(key.value))) {
    return failed(keyFile, `is not the key of ${certFile}`, 'issue both files anew');
  }
  return { ok: true, value: { cert: cert.value, key: key.value } };
}

/** PEM certificates: a chain, or a bundle of authorities. Every one is read here, because OpenSSL stops at a bad one unsaid. */
export function loadCertificates(file: string, readFile: ReadFile): Loaded<string> {
  const content = readText(file, readFile);
  if (!content.ok) return content;
  const { text } = content.value;
  const begun = text.match(/-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/g)?.length ?? 0;
  const certificates = text.match(CERTIFICATE) ?? [];
  if (begun === 0) return failed(file, 'is not a PEM certificate', 'it must start with -----BEGIN CERTIFICATE-----');
  const wrong = certificates.findIndex((certificate) => !isCertificate(certificate));
  if (wrong === -1 && certificates.length === begun) return { ok: true, value: text };
  const place = wrong === -1 ? 'a certificate' : `certificate ${wrong + 1}`;
  return failed(file, `has ${place} that cannot be read, among ${begun}`, 'issue it anew, or take it out');
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** @param pem that {@link loadCertificates} has read */
export function certificatesOf(pem: string): readonly X509Certificate[] {
  return (pem.match(CERTIFICATE) ?? []).map((certificate) => new X509Certificate(certificate));
}

function isCertificate(pem: string): boolean {
  try {
    return !Number.isNaN(Date.parse(new X509Certificate(pem).validTo));
  } catch {
    return false;
  }
}

/** A private key in PEM that nobody else can read. */
export function loadPrivateKey(file: string, readFile: ReadFile): Loaded<string> {
  const content = readText(file, readFile);
  if (!content.ok) return content;
  const { text, mode } = content.value;
  if ((mode & 0o077) !== 0) {
    const bits = (mode & 0o777).toString(8).padStart(4, '0');
    return failed(file, `is a private key that others can read (mode ${bits})`, `chmod 600 ${file}`);
  }
  try {
    createPrivateKey(text);
    return { ok: true, value: text };
  } catch {
    return failed(file, 'is not an unencrypted PEM private key', 'it must start with -----BEGIN PRIVATE KEY-----');
  }
}

function readText(file: string, readFile: ReadFile): Loaded<FileContent> {
  try {
    return { ok: true, value: readFile(file) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return failed(file, `cannot be read (${code})`, 'check the path and the permissions');
  }
}

function failed(file: string, message: string, hint: string): { ok: false; findings: FileFinding[] } {
  return { ok: false, findings: [{ file, message, hint }] };
}
