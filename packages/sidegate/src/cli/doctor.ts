/** `sidegate doctor`: why an endpoint does not accept a service token, hop by hop, or who else it accepts. */
import { Command, InvalidArgumentError } from 'commander';
import { createHttpClient } from '../net/http-client.ts';
import { parseConnectTo } from './connect-to.ts';
import { callHop, type Hop, type HopAnswers } from './doctor-calls.ts';
import { diagnose, finding } from './doctor-diagnosis.ts';
import { type DoctorOptions, type Fingerprint, type Inputs, readInputs } from './doctor-inputs.ts';
import { readLogs } from './doctor-log.ts';
import { type DoctorReport, reportAsJson, reportAsText } from './doctor-report.ts';
import { readTokenFacts } from './doctor-token.ts';
import { EXIT } from './exit-code.ts';
import { exitingWith, processTerminal, type Terminal } from './terminal.ts';

export function doctorCommand(terminal: Terminal = processTerminal()): Command {
  return new Command('doctor')
    .description('Say why an endpoint does not accept a service token, or whom it accepts besides.')
    .argument('[url]', 'the endpoint as clients call it, which is only read; absent: token and key alone', readUrl)
    .option('--token-env <name>', 'variable with the service token', 'SERVICE_TOKEN')
    .option('--token-file <file>', 'the service token in this file, - for standard input')
    .option('--user-token-env <name>', 'variable with the token of a user, who must not get in')
    .option('--user-token-file <file>', 'the same in a file')
    .option('--header <name>', 'the header in which your client sends the token, if not Authorization', readHeaderName)
    .option('--gateway <url>', 'the same endpoint at the gateway, without the ingress before it', readUrl)
    .option('--direct <url>', 'the same endpoint at the service itself', readUrl)
    .option('--keys <file>', 'what verifies tokens: a JWK set, or a public key in PEM')
    .option('--legacy', 'the same with HS256: JWT_SECRET_KEY')
    .option('--fingerprint <place=value>', 'fingerprint of the key at another place, repeatable', readFingerprint, [])
    .option('--gateway-log <file>', 'log of the gateway')
    .option('--service-log <file>', 'log of the service')
    .option('--ca <file>', 'the only authorities that servers may have their certificates from')
    .option('--connect-to <host:port=address:port>', 'dial another address for a host', parseConnectTo, new Map())
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nTokens and secrets are read from variables or files and never printed; docs/troubleshooting.md explains each case.' +
        '\nExit codes: 0 nothing is wrong, 1 something is, 64 wrong command line, 78 a file or variable cannot be read.',
    )
    .action((url: string | undefined, options: DoctorOptions) =>
      exitingWith(terminal, async () => {
        const report = await examine(url, readInputs(url, options, terminal), options);
        terminal.out(options.json === true ? `${JSON.stringify(reportAsJson(report))}\n` : reportAsText(report));
        return report.findings.length === 0 ? EXIT.ok : EXIT.failed;
      }),
    );
}

async function examine(url: string | undefined, inputs: Inputs, options: DoctorOptions): Promise<DoctorReport> {
  const { token, key } = inputs;
  if (token === undefined) return { token, key, hops: [], findings: [] };
  const facts = readTokenFacts(token);
  if (typeof facts === 'string') {
    return { token: undefined, key, hops: [], findings: [finding('token_unreadable', facts)] };
  }
  const hops = url === undefined ? [] : await callHops(url, { ...inputs, token }, options);
  const findings = diagnose({
    token: facts,
    signedHere: await key?.signed(token),
    otherFingerprints: options.fingerprint.filter(({ value }) => value !== key?.fingerprint).map(({ of }) => of),
    hops,
    otherHeader: options.header,
    logs: readLogs({ gateway: inputs.gatewayLog, service: inputs.serviceLog }, facts.service),
    now: Date.now() / 1000,
  });
  return { token: facts, key, hops, findings };
}

async function callHops(
  url: string,
  { token, user, ca }: Inputs & { readonly token: string },
  { gateway, direct, header, connectTo }: DoctorOptions,
): Promise<readonly HopAnswers[]> {
  const hops: readonly Hop[] = [
    { name: 'url' as const, url },
    ...(gateway === undefined ? [] : [{ name: 'gateway' as const, url: gateway }]),
    ...(direct === undefined ? [] : [{ name: 'service' as const, url: direct }]),
  ];
  const http = createHttpClient({ tls: ca === undefined ? {} : { ca }, connectTo });
  const otherHeader = header?.toLowerCase() === 'authorization' ? undefined : header;
  try {
    return await Promise.all(hops.map((hop) => callHop(http.send, hop, { token, user, otherHeader })));
  } finally {
    await http.close();
  }
}

function readUrl(text: string): string {
  const url = URL.parse(text);
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url !== null && isHttp && url.username === '' && url.password === '') return url.href;
  throw new InvalidArgumentError('write it as https://localhost/api/v1/orders/tenant/<tenant-id>/deletion-preview');
}

function readHeaderName(text: string): string {
  if (/^[A-Za-z0-9-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('write the name of a header alone, as in Token');
}

function readFingerprint(text: string, previous: readonly Fingerprint[]): readonly Fingerprint[] {
  const [, of = '', value = ''] = /^([\w.-]{1,64})=([\w:+-]{8,2000})$/.exec(text) ?? [];
  if (value === '') throw new InvalidArgumentError('write it as orders=…, as sidegate doctor prints it there');
  return [...previous, { of, value }];
}
