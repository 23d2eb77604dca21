/**
 * The settings of a process: checked against a schema before anything starts, from variables, `.env`, files and Vault. All that is
 * wrong is told at once. Secrets are held behind a name, and the ones of files and Vault are read again while the process runs.
 */
import { Problem } from '../problem.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { Secret } from './secret.ts';
import { type Setting, SettingMalformed, type SettingValues } from './setting.ts';
import { type SettingFinding, SettingsError } from './settings-error.ts';
import type { Vault } from './vault.ts';
import { isVaultReference, readVaultReference } from './vault-reference.ts';
import { readValueFile, readWritten, variableName, type Written, type WrittenOptions } from './written-settings.ts';

export interface LoadOptions extends WrittenOptions {
  /** Where `vault:` references lead; without it there may be none. */
  readonly vault?: Vault;
  /** How often secrets of files and of Vault are read again; 30,000 by default. */
  readonly refreshEveryMs?: number;
  /** Told when a secret could not be read again: the one before stays. */
  readonly onProblem?: (key: string, problem: Problem) => void;
  readonly runtime?: Runtime;
}

export interface Settings<S extends Readonly<Record<string, Setting<unknown>>>> {
  readonly values: SettingValues<S>;
  /** Told after a secret has become another one, which `reveal()` gives from then on. Returns what ends it. */
  onRotated(told: (key: keyof S & string) => void): () => void;
  /** Reads secrets of files and of Vault now. */
  refresh(): Promise<void>;
  /** Reads nothing again. */
  close(): void;
}

/** A secret that lies where somebody else may replace it. */
interface Rotating {
  readonly key: string;
  readonly read: () => Promise<string>;
  current: string;
}

const REFRESH_EVERY_MS = 30_000;
const MAX_SECRET_CHARACTERS = 64 * 1024;

/**
 * Reads all settings once, or rejects with a SettingsError that names every key that is missing or malformed, and no value.
 * A real variable wins over `.env`, and both over the config file; `NAME_FILE` names a file that holds the value.
 *
 * @example
 * ```ts
 * import { duration, loadSettings, secret, url } from '@sidegate/sdk/settings';
 *
 * const { values, close } = await loadSettings({
 *   paymentServiceUrl: url(), // PAYMENT_SERVICE_URL
 *   paymentClientSecret: secret(), // PAYMENT_CLIENT_SECRET, or PAYMENT_CLIENT_SECRET_FILE
 *   paymentTimeout: duration({ default: 5_000 }),
 * });
 * const authentication = { method: 'client_secret_basic' as const, secret: values.paymentClientSecret };
 * ```
 */
export async function loadSettings<const S extends Readonly<Record<string, Setting<unknown>>>>(
  schema: S,
  options: LoadOptions = {},
): Promise<Settings<S>> {
  const { vault, refreshEveryMs = REFRESH_EVERY_MS, onProblem, runtime = systemRuntime() } = options;
  const written = readWritten(options);
  const findings: SettingFinding[] = [...written.findings];
  const rotating: Rotating[] = [];
  const values: Record<string, unknown> = {};

  for (const key of written.unknown(Object.keys(schema))) {
    findings.push({ key, message: `${options.configFile} has this key, and the program does not know it` });
  }
  for (const [key, setting] of Object.entries(schema)) {
    const variable = setting.variable ?? variableName(key);
    try {
      const found = written.find(key, variable, setting.isSecret);
      if (found === undefined) values[key] = fallbackOf(setting, variable);
      else if (setting.isSecret) values[key] = await secretFrom(key, found);
      else values[key] = setting.read(await readerOf(found)());
    } catch (error) {
      findings.push({ key, message: messageOf(error, variable) });
    }
  }
  if (findings.length > 0) throw new SettingsError(findings);

  const listeners = new Set<(key: keyof S & string) => void>();
  const refresh = async (): Promise<void> => {
    for (const each of rotating) {
      try {
        const text = usableSecret(await each.read());
        if (text === each.current) continue;
        each.current = text;
        for (const told of listeners) told(each.key);
      } catch (error) {
        onProblem?.(each.key, new Problem('secret_store_unavailable', messageOf(error, each.key), { cause: error }));
      }
    }
  };
  let cancel = (): void => {};
  let closed = false;
  const later = (): void => {
    if (closed || rotating.length === 0) return;
    cancel = runtime.schedule(refreshEveryMs, () => void refresh().finally(later));
  };
  later();
  return {
    values: Object.freeze(values) as SettingValues<S>,
    onRotated(told) {
      listeners.add(told);
      return () => void listeners.delete(told);
    },
    refresh,
    close() {
      closed = true;
      cancel();
    },
  };

  async function secretFrom(key: string, found: Written): Promise<Secret> {
    const read = readerOf(found);
    const text = usableSecret(await read());
    if (found.kind === 'text' && !isVaultReference(found.text)) return new Secret(text);
    const each: Rotating = { key, read, current: text };
    rotating.push(each);
    return new Secret(() => each.current);
  }

  function readerOf(found: Written): () => Promise<string> {
    if (found.kind === 'wrong') throw new SettingMalformed(found.message);
    if (found.kind === 'file') {
      return () => Promise.resolve().then(() => fileValue(found.path, found.place));
    }
    if (!isVaultReference(found.text)) return () => Promise.resolve(found.text);
    const reference = readVaultReference(found.text);
    if (reference === undefined)
      throw new SettingMalformed('is no reference such as vault:secret/orders/payment#client_secret');
    if (vault === undefined) throw new SettingMalformed('refers to Vault, which this program is not told about');
    const { mount, path, field } = reference;
    return async () => {
      const value = (await vault.read(mount, path))[field];
      if (value === undefined) throw new SettingMalformed(`Vault has no text ${field} in ${mount}/${path}`);
      return value;
    };
  }
}

function fallbackOf({ fallback }: Setting<unknown>, variable: string): unknown {
  if (fallback === undefined) throw new SettingMalformed(`is missing: set ${variable} or ${variable}_FILE`);
  return fallback.value;
}

function fileValue(path: string, place: string): string {
  try {
    return readValueFile(path);
  } catch (cause) {
    throw new SettingMalformed(`${place} names ${path}, which cannot be read`, { cause });
  }
}

/** What becomes a header or a form field ends where a line ends. */
function usableSecret(text: string): string {
  const isPem = text.startsWith('-----BEGIN ');
  if (text === '' || text.length > MAX_SECRET_CHARACTERS || (!isPem && /[\0\r\n]/.test(text))) {
    throw new SettingMalformed('must be one line that is not empty, or PEM');
  }
  return text;
}

function messageOf(error: unknown, variable: string): string {
  if (error instanceof SettingMalformed) return error.message;
  return error instanceof Problem ? error.message : `cannot be read (${variable})`;
}
