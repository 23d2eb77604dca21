/** `sidegate token`: tokens by which services of a platform prove that they are services (docs/service-tokens.md). */
import { Command } from 'commander';
import { EXIT } from './exit-code.ts';
import { exitingWith, processTerminal, type Terminal } from './terminal.ts';
import { tokenInventoryCommand, tokenRevokeCommand } from './token-inventory.ts';
import { tokenIssueCommand } from './token-issue.ts';
import { type TokenKeyOptions, tokenHandler, withServices, withTokenKeys } from './token-keys.ts';
import { tokenRotateCommand } from './token-rotate.ts';
import { tokenVerifyCommand } from './token-verify.ts';

interface ListOptions {
  readonly services: readonly string[];
  readonly json?: true;
}

export function tokenCommand(terminal: Terminal = processTerminal()): Command {
  return new Command('token')
    .description('Make, verify, list, rotate and take back service tokens.')
    .addCommand(tokenIssueCommand(terminal))
    .addCommand(tokenVerifyCommand(terminal))
    .addCommand(
      withServices(new Command('list-services'))
        .description('The services that may have a token.')
        .option('--json', 'print JSON')
        .action((options: ListOptions) => listServices(options, terminal)),
    )
    .addCommand(
      withTokenKeys(new Command('fingerprint'))
        .description('Which key or secret is here, to compare machines without showing it.')
        .action((options: TokenKeyOptions) =>
          exitingWith(terminal, () => {
            const { keyFingerprints } = tokenHandler(options, terminal);
            terminal.out(`${keyFingerprints.join('\n')}\n`);
            return EXIT.ok;
          }),
        ),
    )
    .addCommand(tokenInventoryCommand(terminal))
    .addCommand(tokenRotateCommand(terminal))
    .addCommand(tokenRevokeCommand(terminal));
}

export function listServices({ services, json }: ListOptions, { out }: Terminal): void {
  out(json === true ? `${JSON.stringify({ services })}\n` : `${services.join('\n')}\n`);
}
