/** `crypto.*`: digests and message authentication codes, in hexadecimal. */
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { toBytes } from './bytes.ts';
import { toHex } from './encoding.ts';
import type { HashName, HostCrypto } from './host.ts';
import { stringOperand } from './operand.ts';
import { BOOLEAN, STRING } from './type.ts';

export const CRYPTO: readonly Builtin[] = [
  digest('md5'),
  digest('sha1'),
  digest('sha256'),
  mac('md5'),
  mac('sha1'),
  mac('sha256'),
  mac('sha512'),
  {
    name: 'crypto.hmac.equal',
    args: [STRING, STRING],
    result: BOOLEAN,
    evaluate: (context, a, b) => cryptoOf(context).equal(toBytes(stringOperand(a, 1)), toBytes(stringOperand(b, 2))),
  },
];

/** The platform's cryptography; a browser build may have none. */
export function cryptoOf(context: BuiltinContext): HostCrypto {
  const { crypto } = context.host;
  if (crypto === undefined) throw new BuiltinError('cryptography is not available here');
  return crypto;
}

function digest(algorithm: HashName): Builtin {
  return {
    name: `crypto.${algorithm}`,
    args: [STRING],
    result: STRING,
    evaluate: (context, text) => toHex(cryptoOf(context).hash(algorithm, toBytes(stringOperand(text, 1)))),
  };
}

function mac(algorithm: HashName): Builtin {
  return {
    name: `crypto.hmac.${algorithm}`,
    args: [STRING, STRING],
    result: STRING,
    evaluate: (context, text, key) => {
      const [data, secret] = [toBytes(stringOperand(text, 1)), toBytes(stringOperand(key, 2))];
      return toHex(cryptoOf(context).hmac(algorithm, secret, data));
    },
  };
}
