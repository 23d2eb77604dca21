/** `${VAR}` and `${VAR:-default}` in the strings of a configuration file. */

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Interpolated {
  readonly text: string;
  /** Variables that are not set and have no default. */
  readonly missing: readonly string[];
  /** Whether some `${` is not closed or names no variable. */
  readonly malformed: boolean;
}

/** Replaces variables once: what they hold is never read again. An empty variable counts as set, except before `:-`. */
export function interpolate(text: string, env: Environment): Interpolated {
  const missing: string[] = [];
  let malformed = false;
  const result = text.replace(
    /\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\})?/g,
    (_, name?: string, fallback?: string) => {
      if (name === undefined) {
        malformed = true;
        return '';
      }
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      if (fallback !== undefined) return value || fallback.slice(2);
      if (value === undefined) missing.push(name);
      return value ?? '';
    },
  );
  return { text: result, missing, malformed };
}

/** Whether a text holds nothing of its own: only variables, and no defaults. */
export function isOnlyVariables(text: string): boolean {
  return /^(\$\{[A-Za-z_][A-Za-z0-9_]*\})+$/.test(text);
}
