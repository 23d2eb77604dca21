/**
 * Preloaded into a program of ours: a network in which names lead to ports of this machine, as `NAMED_NETWORK` says,
 * `{"service-b:443": 40123}`. Certificates are verified as everywhere, for the name that was called.
 */
import tls from 'node:tls';

const ports = JSON.parse(process.env['NAMED_NETWORK'] ?? '{}') as Readonly<Record<string, number>>;
const connect = tls.connect.bind(tls);

function connectByName(options: tls.ConnectionOptions, ...more: readonly unknown[]): tls.TLSSocket {
  const port = ports[`${options.host}:${options.port}`];
  const placed = port === undefined ? options : { ...options, host: '127.0.0.1', port, servername: options.host ?? '' };
  return Reflect.apply(connect, tls, [placed, ...more]) as tls.TLSSocket;
}

Object.assign(tls, { connect: connectByName });
