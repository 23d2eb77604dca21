/** Where a call goes, out of what the clients know of it. */
import { TLSSocket } from 'node:tls';
import type { Target } from './exemption.ts';

/** @param origin such as `https://orders.internal:8443` */
export function targetOf(method: string, origin: string | URL, path: string): Target {
  const { protocol, hostname, port } = new URL(origin);
  const secure = protocol === 'https:' || protocol === 'wss:';
  return {
    method: /^[A-Z-]{1,20}$/.test(method) ? method : '?',
    secure,
    host: hostname.replaceAll(/[[\]]/g, '').toLowerCase(),
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    path: pathOf(path),
  };
}

/** Towards a proxy a path is a whole URL. */
function pathOf(path: string): string {
  const whole = /^https?:\/\/[^/?#]*(.*)$/i.exec(path)?.[1] ?? path;
  return /^[^?#]*/.exec(whole)?.[0] ?? '';
}

/** Whether this side of a connection has a certificate; whether it was asked for it, nobody says. */
export function hasCertificate(socket: unknown): boolean {
  if (!(socket instanceof TLSSocket)) return false;
  return Object.keys(socket.getCertificate() ?? {}).length > 0;
}
