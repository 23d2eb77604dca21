/** Turns generated source into a function: the port through which this package reaches `node:vm`. */
export interface CodeHost {
  compileFunction(source: string, parameters: readonly string[]): (...args: readonly unknown[]) => unknown;
}
