/** With what service tokens are made and verified: a key from a file, or the legacy secret of the environment. */
import { readFileSync } from 'node:fs';
import { createPushedJwks } from '@sidegate/sdk';
import { JWTHandler, type JWTHandlerSettings, KNOWN_SERVICES, readSigningKey } from '@sidegate/sdk/service-tokens';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { StartRefused } from './start-finding.ts';
import type { Terminal } from './terminal.ts';

export interface TokenKeyOptions {
  readonly key?: string;
  readonly keyId?: string;
  readonly keys?: string;
  readonly legacy?: true;
  readonly services: readonly string[];
}

/** What a name must be to stand in a variable, a manifest and a command line. */
const SERVICE_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export function withServices(command: Command): Command {
  return command.addOption(
    new Option('--services <names>', 'the known services, separated by commas')
      .env('SIDEGATE_SERVICES')
      .argParser(readServices)
      .default(KNOWN_SERVICES, 'the fifteen of list-services'),
  );
}

export function withTokenKeys(command: Command): Command {
  return withServices(command)
    .addOption(new Option('--key <file>', 'private key in PEM: RSA, P-256 or Ed25519').env('JWT_PRIVATE_KEY_FILE'))
    .addOption(new Option('--key-id <kid>', 'default: its thumbprint').env('JWT_KEY_ID'))
    .addOption(
      new Option('--keys <file>', 'JWK set of the public keys that verify, more than one during a rotation').env(
        'JWT_PUBLIC_KEYS_FILE',
      ),
    )
    .option('--legacy', 'HS256 under JWT_SECRET_KEY, and a year instead of a day: any service could make any token');
}

/**
 * @param isRevoked of an inventory; by default nothing is
 * @throws StartRefused
 */
export function tokenHandler(
  options: TokenKeyOptions,
  { env, err }: Terminal,
  isRevoked: (id: string) => boolean = () => false,
): JWTHandler {
  const warn = (message: string): void => err(`warning: ${message}\n`);
  const common = { services: options.services, isRevoked, warn };
  try {
    return new JWTHandler({ ...common, ...(options.legacy === true ? legacySettings(env) : keySettings(options)) });
  } catch (error) {
    if (error instanceof RangeError) throw refused('service tokens', error.message, '');
    throw error;
  }
}

function legacySettings(env: NodeJS.ProcessEnv): JWTHandlerSettings {
  const { JWT_SECRET_KEY: secretKey, JWT_SECRET_KEY_PREVIOUS: previousSecretKey, JWT_ALGORITHM: algorithm } = env;
  if (secretKey === undefined) {
    throw refused('JWT_SECRET_KEY', 'is not set', 'it is the secret that the auth service has; no token was made');
  }
  if (algorithm !== undefined && algorithm !== 'HS256') {
    throw refused(
      'JWT_ALGORITHM',
      `${JSON.stringify(algorithm)} is not HS256`,
      'a key pair needs --key and no --legacy',
    );
  }
  return { legacySharedSecret: true, secretKey, previousSecretKey };
}

function keySettings({ key, keyId, keys }: TokenKeyOptions): JWTHandlerSettings {
  if (key === undefined && keys === undefined) {
    throw refused(
      'service tokens',
      'there is no key',
      '--key or JWT_PRIVATE_KEY_FILE names one, openssl genpkey -algorithm ed25519 makes one; --legacy uses JWT_SECRET_KEY',
    );
  }
  return {
    ...(key === undefined ? {} : { signingKey: readSigningKey(readText(key), keyId) }),
    ...(keys === undefined ? {} : { verificationKeys: readKeySet(keys) }),
  };
}

function readKeySet(file: string) {
  const source = createPushedJwks();
  const [finding] = source.push(Buffer.from(readText(file)));
  if (finding !== undefined) throw refused(file, finding.reason, 'a JWK set has public keys only');
  return source;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw refused(file, 'cannot be read', error instanceof Error ? error.message : String(error));
  }
}

function readServices(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !SERVICE_NAME.test(name));
  if (wrong === undefined) return names;
  throw new InvalidArgumentError(`${JSON.stringify(wrong)} is not a name of small letters, digits and hyphens.`);
}

export function refused(file: string, message: string, hint: string): StartRefused {
  return new StartRefused([{ file, severity: 'error', message, hint }]);
}
