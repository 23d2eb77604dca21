/**
 * The request that a gateway asks about, where it is not the one that it sends: nginx and Traefik describe it in headers. They are
 * believed only where the configuration says that the gateway sets them, and each must be there exactly once.
 */
import { METHODS } from 'node:http';
import { Problem } from '@sidegate/sdk';
import { type Fields, fieldLine, readFields } from '../net/fields.ts';
import type { RequestHead } from '../net/request-head.ts';

export type RequestFrom = 'request_line' | 'x_forwarded' | 'x_original';

interface Description {
  readonly method: string;
  readonly target: string;
  /** Undefined: the gateway hands `Host` on. */
  readonly host: string | undefined;
}

const DESCRIPTIONS: Readonly<Record<Exclude<RequestFrom, 'request_line'>, Description>> = {
  x_forwarded: { method: 'x-forwarded-method', target: 'x-forwarded-uri', host: 'x-forwarded-host' },
  x_original: { method: 'x-original-method', target: 'x-original-uri', host: undefined },
};

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

/** @throws Problem `invalid_request` or `duplicate_header` */
export function describedRequest(head: RequestHead, from: RequestFrom): RequestHead {
  if (from === 'request_line') return head;
  const names = DESCRIPTIONS[from];
  const method = onlyValue(head.fields, names.method);
  if (!KNOWN_METHODS.has(method)) throw new Problem('invalid_request', `${names.method} is no method`);
  const target = onlyValue(head.fields, names.target);
  const fields = names.host === undefined ? head.fields : withHost(head.fields, onlyValue(head.fields, names.host));
  return { method, target, version: head.version, fields };
}

function onlyValue(fields: Fields, name: string): string {
  const value = fields.single(name);
  if (value !== undefined) return value;
  if (fields.has(name)) throw new Problem('duplicate_header', `more than one ${name}`);
  throw new Problem('invalid_request', `the gateway did not send ${name}`);
}

function withHost(fields: Fields, host: string): Fields {
  const text = fieldLine('Host', host) + fields.lines((name) => name !== 'host');
  return readFields(Buffer.from(text, 'latin1'), text, 0, text.length);
}
