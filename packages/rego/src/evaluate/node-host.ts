/** What Node lends to this package; only the files named node-host may name `node:` modules. */
import { compileFunction } from 'node:vm';
import type { Host } from '../builtins/host.ts';
import type { CodeHost } from './code-host.ts';
import { NODE_CRYPTO } from './node-host-crypto.ts';
import { gunzip } from './node-host-gzip.ts';

export const NODE_HOST: CodeHost & Host = {
  // vm.compileFunction still works where `eval` and `new Function` are switched off.
  compileFunction: (source, parameters) =>
    compileFunction(source, [...parameters]) as (...args: readonly unknown[]) => unknown,
  crypto: NODE_CRYPTO,
  gunzip,
};
