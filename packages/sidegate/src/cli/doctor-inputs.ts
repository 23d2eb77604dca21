/** What the doctor is given: tokens, keys and logs, from variables, files and standard input alone. */
import { readFileSync } from 'node:fs';
import { loadCertificates } from '../identity/key-pair.ts';
import type { ConnectTo } from '../net/connector.ts';
import { take } from './assembly.ts';
import { type DoctorKey, publicKeys, secretKey } from './doctor-token.ts';
import { readKeptFile } from './kept-file.ts';
import { type StartFinding, StartRefused } from './start-finding.ts';
import type { Terminal } from './terminal.ts';

export interface DoctorOptions {
  readonly tokenEnv: string;
  readonly tokenFile?: string;
  readonly userTokenEnv?: string;
  readonly userTokenFile?: string;
  readonly header?: string;
  readonly gateway?: string;
  readonly direct?: string;
  readonly keys?: string;
  readonly legacy?: true;
  readonly fingerprint: readonly Fingerprint[];
  readonly gatewayLog?: string;
  readonly serviceLog?: string;
  readonly ca?: string;
  readonly connectTo: ConnectTo;
  readonly json?: true;
}

/** Of the key at another place, such as the pod of a service. */
export interface Fingerprint {
  readonly of: string;
  readonly value: string;
}

export interface Inputs {
  /** Undefined: only a key is looked at. */
  readonly token: string | undefined;
  readonly user: string | undefined;
  readonly key: DoctorKey | undefined;
  readonly gatewayLog: string | undefined;
  readonly serviceLog: string | undefined;
  /** PEM. */
  readonly ca: string | undefined;
}

/** Of a long log its end is what matters. */
const MAX_BYTES = 8 * 1024 * 1024;
const SECRET = 'JWT_SECRET_KEY';

/** @throws StartRefused with everything that cannot be read */
export function readInputs(url: string | undefined, options: DoctorOptions, terminal: Terminal): Inputs {
  const { env } = terminal;
  const findings: StartFinding[] = [];
  const refuse = (file: string, message: string, hint: string): undefined => {
    findings.push({ file, severity: 'error', message, hint });
  };
  const file = (name: string | undefined): string | undefined => {
    if (name === undefined) return undefined;
    try {
      return name === '-' ? terminal.input() : readFileSync(name).subarray(-MAX_BYTES).toString('utf8');
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      return refuse(name, `cannot be read (${code})`, 'name a file that can');
    }
  };
  const variable = (name: string | undefined): string | undefined => {
    if (name === undefined) return undefined;
    return env[name] || refuse('environment', `${name} is not set`, 'set it, or name another variable');
  };
  const key = readKey(options, { file, variable, refuse });
  const isKeyAlone = url === undefined && options.tokenFile === undefined && !env[options.tokenEnv];
  if (isKeyAlone && key === undefined) {
    refuse('command line', 'there is nothing to look at', `give a URL, a token in ${options.tokenEnv}, or a key`);
  }
  const inputs = {
    token: isKeyAlone ? undefined : (file(options.tokenFile) ?? variable(tokenVariable(options)))?.trim(),
    user: (file(options.userTokenFile) ?? variable(options.userTokenEnv))?.trim(),
    key,
    gatewayLog: file(options.gatewayLog),
    serviceLog: file(options.serviceLog),
    ca: options.ca === undefined ? undefined : take(loadCertificates(options.ca, readKeptFile), { findings }),
  };
  if (findings.length > 0) throw new StartRefused(findings);
  return inputs;
}

/** A file that cannot be read is one finding, not two. */
const tokenVariable = ({ tokenFile, tokenEnv }: DoctorOptions): string | undefined =>
  tokenFile === undefined ? tokenEnv : undefined;

interface Reading {
  readonly file: (name: string | undefined) => string | undefined;
  readonly variable: (name: string | undefined) => string | undefined;
  readonly refuse: (file: string, message: string, hint: string) => undefined;
}

function readKey({ keys, legacy, fingerprint }: DoctorOptions, { file, variable, refuse }: Reading) {
  const secret = legacy === true ? variable(SECRET) : undefined;
  const text = file(keys);
  if (fingerprint.length > 0 && keys === undefined && legacy !== true) {
    refuse('command line', '--fingerprint has nothing to be compared with', 'add --keys or --legacy');
  }
  const key = secret !== undefined ? secretKey(secret) : text === undefined ? undefined : publicKeys(text);
  if (typeof key !== 'string') return key;
  return refuse(secret === undefined ? (keys ?? '') : SECRET, key, 'it is what verifies tokens');
}
