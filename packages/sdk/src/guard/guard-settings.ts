/** What the environment says about the guard. */
import { type Exemption, parseExemptions } from './exemption.ts';

export interface GuardSettings {
  readonly mode: 'report' | 'block';
  readonly format: 'text' | 'json';
  readonly exempt: readonly Exemption[];
  /** Header fields that prove who calls, in lower case. */
  readonly credentialFields: ReadonlySet<string>;
}

const FIELDS = ['authorization', 'dpop', 'signature', 'x-signature', 'x-api-key'];

/**
 * Undefined where `SIDEGATE_GUARD` is `off`.
 *
 * @throws TypeError when a variable is none of what it may be: a process that meant to be guarded does not start unguarded
 */
export function readGuardSettings(env: Readonly<Record<string, string | undefined>>): GuardSettings | undefined {
  const mode = oneOf(env, 'SIDEGATE_GUARD', ['report', 'block', 'off']);
  const format = oneOf(env, 'SIDEGATE_GUARD_FORMAT', ['text', 'json']);
  const further = (env['SIDEGATE_GUARD_FIELDS'] ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((name) => name !== '');
  const wrong = further.find((name) => !/^[a-z\d-]{1,100}$/.test(name));
  if (wrong !== undefined)
    throw new TypeError(`SIDEGATE_GUARD_FIELDS: ${JSON.stringify(wrong.slice(0, 100))} is no header field`);
  const exempt = parseExemptions(env['SIDEGATE_GUARD_EXEMPT'] ?? '');
  return mode === 'off' ? undefined : { mode, format, exempt, credentialFields: new Set([...FIELDS, ...further]) };
}

/** The first is what an unset variable means. */
function oneOf<const Value extends string>(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  values: readonly [Value, ...Value[]],
): Value {
  const text = env[name];
  if (text === undefined || text === '') return values[0];
  const found = values.find((value) => value === text);
  if (found === undefined)
    throw new TypeError(`${name} is ${values.join(', ')}; not ${JSON.stringify(text.slice(0, 100))}`);
  return found;
}
