/** How long tokens may live before somebody has to want it explicitly. */

const MAX_LIFETIME_SECONDS = 900;

/** A stolen token is worth something until it expires, and revocation is never everywhere. */
export function checkLifetime(
  seconds: number,
  attributes: Readonly<Record<string, string>> | undefined,
  report: (message: string, severity: 'error' | 'warning') => void,
): void {
  if (seconds <= MAX_LIFETIME_SECONDS) return;
  const wanted = attributes?.['sidegate.long_lived_tokens'] === 'true';
  const message = `tokens that live longer than ${MAX_LIFETIME_SECONDS / 60} minutes are long worth stealing`;
  report(wanted ? message : `${message}; shorten it, or set sidegate.long_lived_tokens`, wanted ? 'warning' : 'error');
}
