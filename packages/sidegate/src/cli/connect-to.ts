/** `--connect-to host:port=address:port`, repeatable: dial another address, keep name, Host and TLS name. */
import { InvalidArgumentError } from 'commander';
import type { ConnectTo } from '../net/connector.ts';

export function parseConnectTo(text: string, previous: ConnectTo): ConnectTo {
  const match = /^([A-Za-z0-9._-]+):(\d{1,5})=([0-9.]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})$/.exec(text);
  const [, host = '', hostPort, address = '', port] = match ?? [];
  if (match === null || Number(port) > 65_535) {
    throw new InvalidArgumentError(
      'write host:port=address:port, as in order-service.zone2.local:8443=127.0.2.1:43121',
    );
  }
  const dialled = { address: address.replace(/^\[|\]$/g, ''), port: Number(port) };
  return new Map([...previous, [`${host.toLowerCase()}:${Number(hostPort)}`, dialled]]);
}
