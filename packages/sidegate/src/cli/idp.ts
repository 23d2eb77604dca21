/** `sidegate idp`: the lab identity provider from one configuration file and its realm files, until SIGTERM. */
import { Command } from 'commander';
import { IssuerRefused } from '../authority/issuer/finding.ts';
import { loadSigningKeys } from '../authority/issuer/key-directory.ts';
import { type Issuer, startIssuer } from '../authority/issuer/start.ts';
import type { Address } from '../config/address.ts';
import { eventLog } from './event-log.ts';
import { EXIT } from './exit-code.ts';
import { readIdpSetup } from './idp-config.ts';
import { placeFindings } from './idp-findings.ts';
import { issuerPorts } from './issuer-ports.ts';
import { readAddress } from './listen-address.ts';
import { printEvent } from './print-event.ts';
import { renderFinding, reportRefusal, type StartFinding, StartRefused } from './start-finding.ts';
import { stopSignal } from './stop-signal.ts';

interface IdpOptions {
  readonly config: string;
  readonly root?: string;
  readonly addr?: Address;
  readonly json?: boolean;
}

/** The `idp` command. */
export function idpCommand(): Command {
  return new Command('idp')
    .description('Run the lab identity provider: realms, users and clients from Keycloak realm files.')
    .requiredOption('--config <file>', 'configuration file')
    .option('--root <dir>', 'prefix of every absolute path in the configuration, like chroot')
    .option('--addr <host:port>', 'listen here instead of where the configuration says', readAddress)
    .option('--json', 'findings of a refused start as one JSON line on standard output')
    .addHelpText('after', `\n${HELP}`)
    .action(async (options: IdpOptions) => {
      process.exitCode = await runIdp(options);
    });
}

const HELP = `Standard output carries JSON lines: {"event":"listening"}, then one {"event":"token"} for each token that is issued
or refused. Warnings go to standard error. SIGTERM and SIGINT finish what is under way and exit 0.
Exit codes: 0 stopped, 64 wrong command line, 78 configuration, realm, certificate or key refused (all findings printed).`;

async function runIdp(options: IdpOptions): Promise<number> {
  await using parts = new AsyncDisposableStack();
  try {
    const stopped = stopSignal();
    const { issuer, warnings } = await start(options, parts);
    for (const warning of warnings) process.stderr.write(`${renderFinding(warning)}\n`);
    printEvent({ event: 'listening', url: issuer.url });
    await stopped;
    await issuer.close();
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    return reportRefusal(error, options.json === true);
  }
}

/** @throws StartRefused */
async function start(
  { config, root, addr }: IdpOptions,
  parts: AsyncDisposableStack,
): Promise<{ issuer: Issuer; warnings: StartFinding[] }> {
  const { options, realmFiles, warnings, proofs, keyDirectory } = readIdpSetup(config, root);
  const { ports, close } = issuerPorts(proofs);
  parts.defer(close);
  try {
    const log = eventLog((lines) => process.stdout.write(lines));
    const issuer = await startIssuer({
      ...options,
      ...(addr === undefined ? {} : { host: addr.host ?? '::', port: addr.port }),
      ...ports,
      openKeys: (realm) => loadSigningKeys(realm, options.algorithms, keyDirectory),
      log: (event) => log(event, event.decision === 'issued' ? 'info' : 'warn'),
    });
    return { issuer, warnings: [...warnings, ...placeFindings(issuer.warnings, realmFiles)] };
  } catch (error) {
    if (!(error instanceof IssuerRefused)) throw error;
    throw new StartRefused([...warnings, ...placeFindings(error.findings, realmFiles)]);
  }
}
