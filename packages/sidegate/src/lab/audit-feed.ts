/** The audit trails of all sidecars in one place, so that a request can be followed over its hops. */

/** The fields of an audit line that the lab reads. */
export interface AuditLine {
  readonly time: string;
  readonly service: string;
  readonly event: string;
  readonly direction: 'ingress' | 'egress';
  readonly decision: 'allow' | 'deny';
  readonly status?: number;
  readonly code?: string;
  readonly reasons: readonly string[];
  readonly rule?: string;
  readonly method?: string;
  readonly path?: string;
  readonly upstream_path?: string;
  readonly downstream?: string;
  readonly mtls_client?: string;
  readonly calling_service?: string;
  readonly peer?: { readonly spiffe_id?: string; readonly subject?: string };
  readonly user_id?: string;
  readonly user_context?: string;
  readonly context_verified?: boolean;
  readonly user?: { readonly sub?: string; readonly name?: string };
  readonly token?: {
    readonly issuer?: string;
    readonly audience?: readonly string[];
    readonly client_id?: string;
    readonly scope?: string;
    readonly kid?: string;
  };
  readonly policy_audit?: Readonly<Record<string, unknown>>;
  readonly correlation_id: string;
  readonly request_id: string;
  readonly duration_ms: number;
}

export interface AuditFeed {
  /** Keeps a line of a sidecar's output when it is one of its audit trail. */
  add(line: Readonly<Record<string, unknown>>): void;
  /** How many lines there are; hand it to {@link after} later. */
  mark(): number;
  after(mark: number): readonly AuditLine[];
  /**
   * The lines since `mark` that `wanted` picks, by the time their exchange began, outermost first. Waits until there
   * are `count`: a sidecar writes its line after the answer has left, so the caller is ahead of it.
   */
  collect(wanted: (line: AuditLine) => boolean, options: CollectOptions): Promise<readonly AuditLine[]>;
}

export interface CollectOptions {
  readonly mark: number;
  readonly count: number;
  /** After that, what is there is returned. */
  readonly timeoutMs: number;
}

export function createAuditFeed(): AuditFeed {
  const lines: AuditLine[] = [];
  const watchers = new Set<() => void>();
  return {
    add: (line) => {
      if (line['event'] !== 'request') return;
      lines.push(line as unknown as AuditLine);
      for (const watcher of watchers) watcher();
    },
    mark: () => lines.length,
    after: (mark) => lines.slice(mark),
    collect: (wanted, { mark, count, timeoutMs }) =>
      new Promise((resolve) => {
        const picked = (): AuditLine[] => lines.slice(mark).filter((line) => wanted(line));
        const settle = (): void => {
          clearTimeout(timer);
          watchers.delete(look);
          resolve(picked().toSorted(byBeginning));
        };
        const look = (): void => {
          if (picked().length >= count) settle();
        };
        const timer = setTimeout(settle, timeoutMs);
        watchers.add(look);
        look();
      }),
  };
}

/** Of two that began in the same millisecond, the one that took longer is around the other. */
function byBeginning(a: AuditLine, b: AuditLine): number {
  return a.time.localeCompare(b.time) || b.duration_ms - a.duration_ms;
}
