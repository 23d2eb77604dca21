/** The only file that may name `node:` modules: what Node lends to this package. */
import { compileFunction } from 'node:vm';
import type { Host } from '../builtins/host.ts';
import type { CodeHost } from './code-host.ts';

export const NODE_HOST: CodeHost & Host = {
  // vm.compileFunction still works where `eval` and `new Function` are switched off.
  compileFunction: (source, parameters) =>
    compileFunction(source, [...parameters]) as (...args: readonly unknown[]) => unknown,
};
