/** Addresses to listen on: `:8443`, `127.0.0.1:0`, `[::1]:80`. */
import { isIPv4, isIPv6 } from 'node:net';

export interface Address {
  /** An IP address; undefined listens on every interface. */
  readonly host: string | undefined;
  /** 0 lets the system choose. */
  readonly port: number;
}

/**
 * Reads a listen address; undefined when the text is not one. `localhost` means 127.0.0.1, other names are refused
 * because what they resolve to is not in the file.
 * @example parseAddress('[::1]:80') // { host: '::1', port: 80 }
 */
export function parseAddress(text: string): Address | undefined {
  const [, bracketed, plain = '', digits] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined;
  if (plain === '') return { host: undefined, port };
  if (plain === 'localhost') return { host: '127.0.0.1', port };
  return isIPv4(plain) ? { host: plain, port } : undefined;
}

/** Whether an IP address or `localhost` stays on this machine. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1' || host === '[::1]') return true;
  return isIPv4(host) && host.startsWith('127.');
}
