/** The inventory of service tokens as a file on this machine, to which lines are added. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import {
  type InventoryToken,
  issuedLine,
  readTokenInventory,
  revokedLine,
  type TokenInventory,
} from '@sidegate/sdk/service-tokens';
import { type Command, Option } from 'commander';
import { refused } from './token-keys.ts';

export function withInventory(command: Command, isRequired = false): Command {
  const option = new Option('--inventory <file>', 'where it is written down that a token was made, never the token');
  return command.addOption(option.env('SIDEGATE_TOKEN_INVENTORY').makeOptionMandatory(isRequired));
}

/**
 * Before anybody gets a token, so that none is unknown.
 *
 * @throws StartRefused
 */
export function recordIssued(file: string | undefined, tokens: readonly InventoryToken[]): void {
  if (file !== undefined) add(file, tokens.map(issuedLine).join(''));
}

/** @throws StartRefused */
export function recordRevoked(file: string, ids: readonly string[]): void {
  const now = Date.now();
  add(file, ids.map((id) => revokedLine(id, now)).join(''));
}

/** One that is not there yet has no tokens. @throws StartRefused */
export function readInventoryFile(file: string): TokenInventory {
  try {
    return readTokenInventory(existsSync(file) ? readFileSync(file, 'utf8') : '', Date.now());
  } catch (error) {
    throw refused(file, 'cannot be read', error instanceof Error ? error.message : String(error));
  }
}

function add(file: string, lines: string): void {
  try {
    appendFileSync(file, lines, { mode: 0o600 });
  } catch (error) {
    throw refused(file, 'cannot be written', error instanceof Error ? error.message : String(error));
  }
}
