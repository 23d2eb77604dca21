/** One thread that evaluates a compiled policy, so that a decision without end can be ended: see opa-wasm.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadPolicy } from '@open-policy-agent/opa-wasm';
import type { WasmAnswer, WasmPolicy } from './opa-wasm.ts';

const { wasm, data, entrypoint } = workerData as WasmPolicy;
// The package leaves the clock to its host.
const policy = await loadPolicy(wasm, {}, { 'time.now_ns': () => Date.now() * 1_000_000 });
policy.setData(data as object);

parentPort?.on('message', (input: unknown) => {
  parentPort?.postMessage(evaluate(input), []);
});
parentPort?.postMessage('ready', []);

function evaluate(input: unknown): WasmAnswer {
  try {
    const results = policy.evaluate(input, entrypoint) as readonly { readonly result?: unknown }[];
    return { value: results[0]?.result };
  } catch (error) {
    // The package throws plain objects as well.
    const told = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
    return { failure: String(told) };
  }
}
