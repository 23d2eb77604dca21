/** What an endpoint of the admin listener says. */

export interface AdminAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export function json(value: unknown, status = 200): AdminAnswer {
  return { status, contentType: 'application/json', body: JSON.stringify(value) };
}
