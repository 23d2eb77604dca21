/** What a setting may be: each kind reads a text, or says what it should have been without repeating what it was. */
import type { Secret } from './secret.ts';

/** @typeParam Value what the program gets */
export interface Setting<Value> {
  /** Name of the environment variable; absent: the key in capitals, `paymentServiceUrl` → `PAYMENT_SERVICE_URL`. */
  readonly variable: string | undefined;
  /** Its value may be shown to nobody, and may change while the process runs. */
  readonly isSecret: boolean;
  /** Where nothing is set; undefined: it is required. */
  readonly fallback: { readonly value: Value } | undefined;
  /** @throws SettingMalformed */
  readonly read: (text: string) => Value;
}

/** Says what a text should have been. */
export class SettingMalformed extends Error {
  override readonly name = 'SettingMalformed';
}

export interface SettingOptions<Value> {
  readonly variable?: string;
  /** Absent: the setting is required. */
  readonly default?: Value;
}

type Schema = Readonly<Record<string, Setting<unknown>>>;

/** What a program gets for a schema. */
export type SettingValues<S extends Schema> = {
  readonly [Key in keyof S]: S[Key] extends Setting<infer Value> ? Value : never;
};

/** A text of at least one character. */
export function string(options: SettingOptions<string> & { readonly pattern?: RegExp } = {}): Setting<string> {
  const { pattern } = options;
  return setting(options, (text) => {
    if (text === '') malformed('must not be empty');
    return pattern === undefined || pattern.test(text) ? text : malformed(`must match ${String(pattern)}`);
  });
}

/** An absolute URL of http or https, without credentials in it; as it was written, without a slash at the end. */
export function url(options: SettingOptions<string> = {}): Setting<string> {
  return setting(options, (text) => {
    const parsed = URL.parse(text);
    const isHttp = parsed?.protocol === 'https:' || parsed?.protocol === 'http:';
    if (!isHttp || parsed.username !== '' || parsed.password !== '') {
      malformed('must be an http or https URL without credentials in it');
    }
    return text.replace(/\/$/, '');
  });
}

export interface SecretOptions {
  readonly variable?: string;
  /** The program can do without; false by default. */
  readonly optional?: boolean;
}

/** A secret, which config files hold only as `${VARIABLE}` or as a Vault reference. */
export function secret(options?: SecretOptions & { readonly optional?: false }): Setting<Secret>;
export function secret(options: SecretOptions): Setting<Secret | undefined>;
export function secret({ variable, optional = false }: SecretOptions = {}): Setting<Secret | undefined> {
  const fallback = optional ? { value: undefined } : undefined;
  return { variable, isSecret: true, fallback, read: () => malformed('is held as a secret') };
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms`, `30s`, `5m`, `12h`, `30d`; milliseconds for the program. */
export function duration(options: SettingOptions<number> = {}): Setting<number> {
  return setting(options, (text) => {
    const [, count = '', unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
    return count === ''
      ? malformed('must be a number with a unit: ms, s, m, h or d')
      : Number(count) * (UNITS[unit] ?? 1);
  });
}

export function integer(
  options: SettingOptions<number> & { readonly min?: number; readonly max?: number } = {},
): Setting<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
  return setting(options, (text) => {
    const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : malformed(`must be a whole number from ${min} to ${max}`);
  });
}

/** `true` or `false`. */
export function boolean(options: SettingOptions<boolean> = {}): Setting<boolean> {
  return setting(options, (text) => {
    if (text !== 'true' && text !== 'false') malformed('must be true or false');
    return text === 'true';
  });
}

export function oneOf<const Choice extends string>(
  choices: readonly Choice[],
  options: SettingOptions<Choice> = {},
): Setting<Choice> {
  return setting(
    options,
    (text) => choices.find((choice) => choice === text) ?? malformed(`must be one of ${choices.join(', ')}`),
  );
}

function setting<Value>(options: SettingOptions<Value>, read: (text: string) => Value): Setting<Value> {
  const { variable, default: value } = options;
  return { variable, isSecret: false, fallback: value === undefined ? undefined : { value }, read };
}

function malformed(what: string): never {
  throw new SettingMalformed(what);
}
