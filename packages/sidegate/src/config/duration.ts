/** Durations as written in configuration files: a whole number and a unit. */

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What a duration looks like; eight digits of days still are a safe integer of milliseconds. */
export const DURATION_PATTERN = /^(\d{1,8})(ms|s|m|h|d)$/;

/**
 * Milliseconds of `500ms`, `60s`, `5m`, `1h` or `90d`; undefined for anything else.
 * @example parseDuration('5m') // 300000
 */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = DURATION_PATTERN.exec(text) ?? [];
  const scale = unit === undefined ? undefined : UNITS[unit];
  return scale === undefined ? undefined : Number(count) * scale;
}
