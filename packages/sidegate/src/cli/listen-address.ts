/** An address on the command line. */
import { InvalidArgumentError } from 'commander';
import { type Address, parseAddress } from '../config/address.ts';

/** @throws InvalidArgumentError */
export function readAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new InvalidArgumentError('write it as 127.0.0.1:8443 or [::1]:0');
  return address;
}
