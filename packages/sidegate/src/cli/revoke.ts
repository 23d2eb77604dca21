/** `sidegate revoke`: takes back a token, a client, a subject or a workload at a running authority, or makes up for it. */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/duration.ts';
import { loadCertificates, loadKeyPair, type ReadFile } from '../identity/key-pair.ts';
import type { ClientTls, ConnectTo } from '../net/connector.ts';
import { createHttpClient } from '../net/http-client.ts';
import { take } from './assembly.ts';
import { parseConnectTo } from './connect-to.ts';
import { EXIT } from './exit-code.ts';
import { readKeptFile } from './kept-file.ts';
import { reportRefusal, type StartFinding, StartRefused } from './start-finding.ts';

interface RevokeOptions {
  readonly realm: string;
  readonly token?: string;
  readonly jti?: string;
  readonly client?: string;
  readonly subject?: string;
  readonly spiffeId?: string;
  readonly onlyIssued?: boolean;
  readonly for?: number;
  readonly lift?: boolean;
  readonly clientId?: string;
  readonly clientSecretFile?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly connectTo: ConnectTo;
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;

export function revokeCommand(): Command {
  return new Command('revoke')
    .description('Revoke a token, a client, a subject or a workload at a running authority.')
    .requiredOption('--realm <url>', 'the realm, as in https://authority.example.com/realms/services', readRealm)
    .option('--token <file>', 'the token in this file, - for standard input')
    .option('--jti <id>', 'the token with this jti')
    .option('--client <id>', 'everything of this client, and its requests for more')
    .option('--subject <id>', 'every token with this sub')
    .option('--spiffe-id <id>', 'everything of this workload')
    .option('--only-issued', 'what was issued so far; what is issued from now on counts')
    .option('--for <duration>', 'forget it after that, as in 24h; absent: until it is lifted', readDuration)
    .option('--lift', 'take the revocation back')
    .option('--client-id <id>', 'an administrator of the authority')
    .option('--client-secret-file <file>', 'its secret')
    .option('--cert <file>', 'certificate of an administrator that is a workload')
    .option('--key <file>', 'its key')
    .option('--ca <file>', 'the only authorities that the server may have its certificate from')
    .option('--connect-to <host:port=address:port>', 'dial another address for a host', parseConnectTo, new Map())
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 the authority refused, 64 wrong command line, 78 a file was refused.',
    )
    .action(async (options: RevokeOptions) => {
      try {
        process.exitCode = await revoke(options);
      } catch (error) {
        if (!(error instanceof StartRefused)) throw error;
        process.exitCode = reportRefusal(error, false);
      }
    });
}

async function revoke(options: RevokeOptions): Promise<number> {
  const findings: StartFinding[] = [];
  const form = formOf(options, findings);
  const tls = tlsOf(options, findings);
  if (findings.length > 0) throw new StartRefused(findings);
  const http = createHttpClient({ tls, connectTo: options.connectTo });
  try {
    const { status, body } = await http.send({
      method: 'POST',
      url: `${options.realm}/revocations${options.lift === true ? '/lift' : ''}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: form.toString(),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
    });
    const done = status === 200;
    (done ? process.stdout : process.stderr).write(`${body.toString('utf8')}\n`);
    return done ? EXIT.ok : EXIT.failed;
  } catch (error) {
    process.stderr.write(`${options.realm}: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.failed;
  } finally {
    await http.close();
  }
}

function formOf(options: RevokeOptions, findings: StartFinding[]): URLSearchParams {
  const { token, clientSecretFile: secretFile } = options;
  const text = (file: string): string => readText(file, findings).trim();
  return new URLSearchParams(
    Object.entries({
      token: token === undefined ? undefined : text(token),
      jti: options.jti,
      client: options.client,
      subject: options.subject,
      spiffe_id: options.spiffeId,
      only_issued: options.onlyIssued === true ? 'true' : undefined,
      expires_in: options.for === undefined ? undefined : String(Math.ceil(options.for / 1000)),
      client_id: options.clientId,
      client_secret: secretFile === undefined ? undefined : text(secretFile),
    }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function tlsOf({ cert, key, ca: caFile }: RevokeOptions, findings: StartFinding[]): ClientTls {
  const read: ReadFile = readKeptFile;
  const pair =
    cert === undefined && key === undefined ? undefined : take(loadKeyPair(cert ?? '', key ?? '', read), { findings });
  const ca = caFile === undefined ? undefined : take(loadCertificates(caFile, read), { findings });
  return { ...(ca === undefined ? {} : { ca }), ...pair };
}

function readText(file: string, findings: StartFinding[]): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    findings.push({ file, severity: 'error', message: `cannot be read (${code})`, hint: 'name a file that can' });
    return '';
  }
}

function readRealm(text: string): string {
  if (/^https?:\/\/[^/?#]+\/realms\/[^/?#]+$/.test(text)) return text;
  throw new InvalidArgumentError('write it as https://authority.example.com/realms/services');
}

function readDuration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined || milliseconds < 1_000) throw new InvalidArgumentError('write it as 24h or 7d');
  return milliseconds;
}
