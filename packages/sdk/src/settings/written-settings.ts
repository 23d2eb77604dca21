/** Where settings are written: real variables, `.env`, files that variables name, and a config file that holds no secret. */
import { readFileSync, statSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { isJsonObject, JsonError, type JsonObject, parseStrictJson } from '../jwt/strict-json.ts';
import type { SettingFinding } from './settings-error.ts';
import { isVaultReference } from './vault-reference.ts';

type Variables = Readonly<Record<string, string | undefined>>;

export interface WrittenOptions {
  /** By default those of the process. */
  readonly env?: Variables;
  /** Lines of `NAME=value`; `.env` by default, and it need not be there. */
  readonly envFile?: string;
  /** JSON: one object, with the keys of the program. */
  readonly configFile?: string;
}

/** One setting as it was found. */
export type Written =
  | { readonly kind: 'text'; readonly text: string; readonly place: string }
  | { readonly kind: 'file'; readonly path: string; readonly place: string }
  | { readonly kind: 'wrong'; readonly message: string };

export interface WrittenSettings {
  /** Undefined: nowhere. */
  find(key: string, variable: string, isSecret: boolean): Written | undefined;
  /** Keys of the config file that are none of these. */
  unknown(keys: readonly string[]): readonly string[];
  /** What is wrong with a file as a whole: the key is its name. */
  readonly findings: readonly SettingFinding[];
}

const MAX_BYTES = 256 * 1024;
const VARIABLE = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/;

export function readWritten({ env = process.env, envFile = '.env', configFile }: WrittenOptions): WrittenSettings {
  const findings: SettingFinding[] = [];
  const fileEnv = readEnvFile(envFile, findings);
  const config = configFile === undefined ? {} : readConfig(configFile, findings);
  const inVariables = (variable: string): Written | undefined =>
    inEnvironment(env, variable, variable) ?? inEnvironment(fileEnv, variable, `${variable} in ${envFile}`);
  return {
    findings,
    find(key, variable, isSecret) {
      const found = inVariables(variable);
      if (found !== undefined) return found;
      const value = config[spelling(key, config)];
      if (value === undefined) return undefined;
      const place = `${key} in ${configFile}`;
      if (typeof value === 'object')
        return { kind: 'wrong', message: `${place} must be a text, a number or a boolean` };
      const text = String(value);
      const [, referred] = VARIABLE.exec(text) ?? [];
      if (referred !== undefined) {
        return inVariables(referred) ?? { kind: 'wrong', message: `${place} refers to ${referred}, which is not set` };
      }
      if (isSecret && !isVaultReference(text)) {
        const message = `${place} holds a secret: write \${${variable}} or a reference such as vault:secret/orders#key there`;
        return { kind: 'wrong', message };
      }
      return { kind: 'text', text, place };
    },
    unknown: (keys) =>
      Object.keys(config).filter((written) => !keys.some((key) => key === written || snake(key) === written)),
  };
}

/** `paymentServiceUrl` → `PAYMENT_SERVICE_URL`. */
export const variableName = (key: string): string => snake(key).toUpperCase();

/** The text of a file that holds one value; an editor's line end is none of it. @throws Error */
export function readValueFile(path: string): string {
  if (statSync(path).size > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
  return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
}

function inEnvironment(variables: Variables, name: string, place: string): Written | undefined {
  const text = variables[name];
  const path = variables[`${name}_FILE`];
  if (text !== undefined && path !== undefined) {
    return { kind: 'wrong', message: `both ${name} and ${name}_FILE are set: remove one` };
  }
  if (text !== undefined) return { kind: 'text', text, place };
  return path === undefined ? undefined : { kind: 'file', path, place: `${name}_FILE` };
}

function readEnvFile(path: string, findings: SettingFinding[]): Variables {
  try {
    return parseEnv(readValueFile(path));
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!absent) findings.push({ key: path, message: 'cannot be read' });
    return {};
  }
}

function readConfig(path: string, findings: SettingFinding[]): JsonObject {
  try {
    const value = parseStrictJson(Buffer.from(readValueFile(path)));
    if (isJsonObject(value)) return value;
    findings.push({ key: path, message: 'must be a JSON object' });
  } catch (error) {
    // The parser's own words could quote what is written there.
    findings.push({ key: path, message: error instanceof JsonError ? 'is not JSON' : 'cannot be read' });
  }
  return {};
}

const snake = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const spelling = (key: string, config: JsonObject): string => (Object.hasOwn(config, key) ? key : snake(key));
