/** `sidegate token verify`: whether a token is good here, what it says, and when it is not, why. */
import { asProblem, type JsonObject, type Problem } from '@sidegate/sdk';
import type { JWTHandler } from '@sidegate/sdk/service-tokens';
import { Command } from 'commander';
import { EXIT } from './exit-code.ts';
import { printedTime } from './store-command.ts';
import { exitingWith, type Terminal } from './terminal.ts';
import { readInventoryFile, withInventory } from './token-inventory-file.ts';
import { type TokenKeyOptions, tokenHandler, withTokenKeys } from './token-keys.ts';

export interface VerifyOptions extends TokenKeyOptions {
  readonly inventory?: string;
  readonly json?: true;
}

export function tokenVerifyCommand(terminal: Terminal): Command {
  return withInventory(withTokenKeys(new Command('verify')))
    .description('Check the signature and the dates of a token, and show what it says.')
    .argument('<token>', 'the token, or - to read it from standard input, where no list of processes shows it')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit codes: 0 it is valid, 1 it is not, 64 wrong command line, 78 no key or secret.')
    .action((token: string, options: VerifyOptions) =>
      exitingWith(terminal, () => verifyCommand(token, options, terminal)),
    );
}

export async function verifyCommand(argument: string, options: VerifyOptions, terminal: Terminal): Promise<number> {
  const { out, err } = terminal;
  const inventory = options.inventory === undefined ? undefined : readInventoryFile(options.inventory);
  const handler = tokenHandler(options, terminal, (id) => inventory?.isRevoked(id) === true);
  const token = argument === '-' ? terminal.input().trim() : argument;
  try {
    const claims = await handler.verify(token);
    if (options.json === true) out(`${JSON.stringify({ valid: true, claims })}\n`);
    else out(`✓ Token is valid\n${claimLines(claims)}`);
    return EXIT.ok;
  } catch (error) {
    const problem = asProblem(error);
    if (problem.code === 'internal') throw error;
    if (options.json === true) {
      const { code } = problem;
      out(`${JSON.stringify({ valid: false, code, reason: reasonOf(problem, handler) })}\n`);
    } else err(`✗ Token is not valid: ${reasonOf(problem, handler)}\n`);
    return EXIT.failed;
  }
}

function claimLines(claims: JsonObject): string {
  const { type, iat, exp, ...others } = claims;
  const kind =
    type === 'service'
      ? 'type: service'
      : `type: ${type === undefined ? 'missing' : JSON.stringify(type)}: endpoints for services refuse it with 403`;
  const rest = Object.entries(others).map(
    ([name, value]) => `${name}: ${typeof value === 'string' ? printable(value) : JSON.stringify(value)}`,
  );
  const dates = [
    typeof iat === 'number' ? `issued: ${printedTime(iat * 1000)}` : 'issued: unknown',
    `expires: ${printedTime(Number(exp) * 1000)}`,
  ];
  return [kind, ...rest, ...dates].map((line) => `  ${line}\n`).join('');
}

/** What a terminal shows as text. */
function printable(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : JSON.stringify(text);
}

function reasonOf(problem: Problem, handler: JWTHandler): string {
  const ours = handler.keyFingerprints.join(', ');
  switch (problem.code) {
    case 'token_expired':
      return `it has ${problem.message}`;
    case 'token_signature_invalid':
    case 'token_key_not_found':
      return `the signature does not verify: it was changed, or signed with another key or JWT_SECRET_KEY than the one here, whose fingerprint is ${ours}`;
    default:
      return `${problem.row.title} (${problem.message})`;
  }
}
