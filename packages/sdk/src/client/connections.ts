/** The pool of connections of a client. When its identity changes, calls to come use new ones; those under way end on the old. */
import type { Agent } from 'undici';
import { Problem } from '../problem.ts';
import { openAgent, type PoolOptions } from '../runtime/http-client.ts';
import type { TlsIdentity } from '../runtime/verified-tls.ts';

export interface Connections {
  agent(): Promise<Agent>;
  /** Ends idle connections at once, the others after their answer. */
  close(): Promise<void>;
}

export interface ConnectionsOptions extends PoolOptions {
  /** Whom they speak for; the same object until it changes. */
  readonly identity: () => TlsIdentity | Promise<TlsIdentity>;
}

export function openConnections({ identity, ...pool }: ConnectionsOptions): Connections {
  let shown: TlsIdentity | undefined;
  let opened: Promise<Agent> | undefined;
  let closed = false;
  return {
    async agent() {
      const current = await identity();
      if (closed) throw new Problem('not_ready', 'this client is closed');
      if (opened === undefined || current !== shown) {
        retire(opened);
        shown = current;
        opened = openAgent(current, pool);
      }
      return opened;
    },
    async close() {
      closed = true;
      await (await opened)?.close();
    },
  };
}

/** Answers that are still read keep theirs open; a connection that breaks meanwhile is its caller's to hear of. */
function retire(agent: Promise<Agent> | undefined): void {
  void agent?.then((old) => old.close()).catch(() => undefined);
}
