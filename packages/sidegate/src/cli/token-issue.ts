/** `sidegate token issue`: makes service tokens, verifies each, and writes down that they were made. */
import { DAY_SECONDS, type InventoryToken, type JWTHandler, type TokenLimits } from '@sidegate/sdk/service-tokens';
import { Command, InvalidArgumentError, Option } from 'commander';
import { EXIT } from './exit-code.ts';
import { exitingWith, type Terminal } from './terminal.ts';
import { recordIssued, withInventory } from './token-inventory-file.ts';
import { type TokenKeyOptions, tokenHandler, withTokenKeys } from './token-keys.ts';
import { OUTPUTS, type Output, renderTokens, type SecretPlace } from './token-output.ts';

export interface IssuedToken extends InventoryToken {
  readonly token: string;
  readonly lifetimeSeconds: number;
}

export interface IssueTerms extends TokenLimits {
  readonly lifetimeSeconds: number;
  readonly storedIn?: string | undefined;
  readonly replaces?: string | undefined;
}

export interface OutputOptions extends SecretPlace {
  readonly output?: Output;
}

export interface IssueOptions extends TokenKeyOptions, OutputOptions {
  readonly days?: number;
  readonly all?: true;
  readonly tenant?: readonly string[];
  readonly operations?: readonly string[];
  readonly inventory?: string;
  readonly storedIn?: string;
}

export function tokenIssueCommand(terminal: Terminal): Command {
  return withOutput(withInventory(withTokenKeys(new Command('issue'))))
    .description('Make a token for a service, or for each of them.')
    .argument('[service]', 'its name, as list-services shows it')
    .option('--days <n>', 'how long it lives; a day by default, and a year with --legacy', readDays)
    .option('--all', 'a token for each known service')
    .option('--tenant <id...>', 'only for these tenants')
    .option('--operations <name...>', 'only for these operations')
    .option('--stored-in <place>', 'where it will be kept, for the inventory')
    .addHelpText(
      'after',
      '\nExit codes: 0 made, 64 wrong command line, 78 no key, no secret or an inventory that cannot be written.',
    )
    .action((service: string | undefined, options: IssueOptions) =>
      exitingWith(terminal, () => issueCommand(service, options, terminal)),
    );
}

export function withOutput(command: Command): Command {
  return command
    .addOption(new Option('--output <form>', 'default: text on a terminal, else raw, the token alone').choices(OUTPUTS))
    .option('--secret-name <name>', 'of the Kubernetes secret', readKubernetesName, 'service-tokens')
    .option('--secret-key <name>', 'its key, for one token; default: <service>-token', readKubernetesName)
    .option('--namespace <name>', 'of the Kubernetes secret', readKubernetesName);
}

export async function issueCommand(
  service: string | undefined,
  options: IssueOptions,
  terminal: Terminal,
): Promise<number> {
  const handler = tokenHandler(options, terminal);
  const names = options.all === true ? handler.services : service === undefined ? [] : [service];
  const wrong = wrongRequest(names, service, options, handler);
  if (wrong !== undefined) {
    terminal.err(`${wrong}\n`);
    return EXIT.usage;
  }
  const { days, tenant: tenants, operations, storedIn } = options;
  const lifetimeSeconds = days === undefined ? handler.defaultLifetimeSeconds : days * DAY_SECONDS;
  const issued: IssuedToken[] = [];
  for (const name of names)
    issued.push(await issueToken(handler, name, { lifetimeSeconds, tenants, operations, storedIn }));
  recordIssued(options.inventory, issued);
  printTokens(issued, options, terminal);
  return EXIT.ok;
}

/** A token that its own handler has verified. */
export async function issueToken(handler: JWTHandler, service: string, terms: IssueTerms): Promise<IssuedToken> {
  const { lifetimeSeconds, ...rest } = terms;
  const token = handler.createServiceToken(service, lifetimeSeconds, terms);
  const { jti, iat, exp } = await handler.verify(token);
  const [key = ''] = handler.keyFingerprints;
  const dates = { issuedAt: Number(iat) * 1000, expiresAt: Number(exp) * 1000 };
  return { ...rest, ...dates, id: jti as string, service, key, token, lifetimeSeconds };
}

export function printTokens(tokens: readonly IssuedToken[], options: OutputOptions, terminal: Terminal): void {
  const { isTerminal, out } = terminal;
  out(renderTokens(tokens, options.output ?? (isTerminal ? 'text' : 'raw'), options, isTerminal));
}

function wrongRequest(
  names: readonly string[],
  service: string | undefined,
  { all, secretKey }: IssueOptions,
  { services }: JWTHandler,
): string | undefined {
  if (all === true && service !== undefined) return 'either a service or --all';
  if (names.length === 0) return `which service? Known are ${services.join(', ')}; --all is each of them`;
  if (names.length > 1 && secretKey !== undefined) return '--secret-key is for one token';
  const unknown = names.find((name) => !services.includes(name));
  return unknown === undefined ? undefined : unknownService(unknown, services);
}

export function unknownService(name: string, services: readonly string[]): string {
  return `${JSON.stringify(name)} is no known service. Known are ${services.join(', ')}`;
}

export function readDays(text: string): number {
  const days = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= 366) return days;
  throw new InvalidArgumentError('A whole number of days from 1 to 366.');
}

function readKubernetesName(text: string): string {
  if (/^[A-Za-z0-9](?:[-._A-Za-z0-9]{0,251}[A-Za-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('Letters, digits, hyphens, dots.');
}
