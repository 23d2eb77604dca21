/** `sidegate certs`: makes, shows and verifies the certificates of the zones. */
import type { Clock } from '@sidegate/sdk';
import { Command, InvalidArgumentError, Option } from 'commander';
import { KEY_ALGORITHMS } from '../authority/ca/key-algorithm.ts';
import { parseDuration } from '../config/duration.ts';
import { type CertsInitOptions, certsInit } from './certs-init.ts';
import type { CertsReport } from './certs-report.ts';
import { certsShow } from './certs-show.ts';
import { certsVerify } from './certs-verify.ts';
import { EXIT } from './exit-code.ts';

interface JsonOption {
  readonly json?: true;
}

export function certsCommand(): Command {
  return new Command('certs')
    .description('Make, show and verify the certificates of the zones.')
    .addCommand(initCommand())
    .addCommand(showCommand())
    .addCommand(verifyCommand());
}

function initCommand(): Command {
  return new Command('init')
    .description('Make the certificates that a lab.yaml needs; those that still verify are kept.')
    .argument('[source]', 'lab.yaml, or the directory that holds one', '.')
    .option('--out <dir>', "certificates directory (default: etc/certs below the lab's root)")
    .addOption(
      new Option('--key-algorithm <name>', 'key of the authorities; RSA-4096 has RSA-2048 leaves').choices(
        KEY_ALGORITHMS,
      ),
    )
    .option('--valid-for <duration>', 'lifetime, as in 365d', lifetime)
    .option('--force', 'renew everything, authorities and keys too')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit codes: 0 done, 64 wrong command line, 78 wrong lab.yaml or a damaged authority.')
    .action(async (source: string, options: CertsInitOptions & JsonOption) => {
      print(await certsInit(source, options, CLOCK), options);
    });
}

function showCommand(): Command {
  return new Command('show')
    .description('Show what certificates say: names, purpose, validity, thumbprint. Never a key.')
    .argument('<source...>', 'certificate files, or directories of them')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit codes: 0 shown, 64 wrong command line, 78 a file that holds no certificate.')
    .action((sources: string[], options: JsonOption) => {
      print(certsShow(sources, CLOCK), options);
    });
}

function verifyCommand(): Command {
  return new Command('verify')
    .description('Check chains, dates, names, purposes and keys of a certificates directory.')
    .argument('<directory>', 'as certs init makes it: ca/, and a folder for each service')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 everything verifies, 1 findings, 64 wrong command line, 78 no such directory.',
    )
    .action(async (directory: string, options: JsonOption) => {
      print(await certsVerify(directory, CLOCK), options);
    });
}

const CLOCK: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

function lifetime(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError('Write it as in 12h or 365d.');
  return milliseconds;
}

/** A refusal goes to standard error; what was asked for, findings included, to standard output. */
function print({ exitCode, text, json }: CertsReport, options: JsonOption): void {
  process.exitCode = exitCode;
  if (options.json) process.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  else (exitCode === EXIT.config ? process.stderr : process.stdout).write(`${text}\n`);
}
