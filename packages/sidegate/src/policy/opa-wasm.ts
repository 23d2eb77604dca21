/**
 * Policies that `opa build -t wasm` compiled, evaluated by OPA's own package. WebAssembly cannot be interrupted, so it
 * runs in a thread of its own: a decision that takes too long ends with the thread, and the next thread goes on.
 */
import { Worker } from 'node:worker_threads';
import { type BundleVerification, toNative } from '@sidegate/rego';
import type { Decision, PolicyEngine } from './decision.ts';
import { readAnswer } from './policy-answer.ts';
import { openPolicyBundle } from './policy-bundle.ts';
import type { BundleEngine, LoadedBundle } from './polled-bundle.ts';

/** What the thread is given. */
export interface WasmPolicy {
  readonly wasm: Uint8Array;
  readonly data: unknown;
  /** `<package>/<rule>`. */
  readonly entrypoint: string;
}

/** What it answers to an input, one after another. */
export type WasmAnswer = { readonly value: unknown } | { readonly failure: string };

export interface OpaWasmOptions {
  /** What findings name. */
  readonly file: string;
  readonly verification: BundleVerification | undefined;
  /** `data.<package>.<rule>`, one of the entrypoints that the bundle was built with. */
  readonly query: string;
}

const PACKAGE = '@open-policy-agent/opa-wasm';

/** As for the embedded engine. */
const DECISION_MS = 50;
const START_MS = 10_000;

/** Reads a bundle and tries it out, so that what is wrong with it is found now. */
export async function loadOpaWasm(bytes: Uint8Array, options: OpaWasmOptions): Promise<LoadedBundle> {
  const { file, query } = options;
  const refused = (message: string, hint: string): LoadedBundle => ({
    ok: false,
    findings: [{ file, severity: 'error', message, hint }],
  });
  const read = openPolicyBundle(bytes, options);
  if (!read.ok) return read;
  const { wasm, data } = read.bundle;
  const entrypoint = query.replace(/^data\./, '').replaceAll('.', '/');
  const build = `opa build -t wasm -e ${entrypoint}`;
  if (wasm === undefined) return refused('has no policy.wasm', `build it with ${build}`);
  let names: Readonly<Record<string, number>>;
  try {
    const { loadPolicy } = await import('@open-policy-agent/opa-wasm');
    names = (await loadPolicy(wasm)).entrypoints as Readonly<Record<string, number>>;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
      return refused(`needs the package ${PACKAGE}`, `npm install ${PACKAGE}`);
    }
    return refused('has a policy.wasm that cannot be loaded', `build it with ${build}`);
  }
  if (!Object.hasOwn(names, entrypoint)) return refused(`has no entrypoint ${entrypoint}`, `build it with ${build}`);
  return { ok: true, value: new WasmThread({ wasm, data: toNative(data), entrypoint }) };
}

interface Waiting {
  readonly input: unknown;
  readonly settle: (decision: Decision) => void;
}

/** Decisions one after another; the first in the queue is under way whenever the thread is ready. */
class WasmThread implements BundleEngine {
  readonly #policy: WasmPolicy;
  readonly #queue: Waiting[] = [];
  #worker: Worker | undefined;
  #ready = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #drained: () => void = () => undefined;

  constructor(policy: WasmPolicy) {
    this.#policy = policy;
    this.#start();
  }

  readonly decide: PolicyEngine = (input) =>
    new Promise((settle) => {
      if (this.#closed) return settle(failed('policy_error', 'the engine is closed'));
      this.#queue.push({ input, settle });
      if (this.#worker === undefined) this.#start();
      else if (this.#ready && this.#queue.length === 1) this.#next();
    });

  /** What waits is decided first; each decision has its limit, so that this ends. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#queue.length > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    await this.#stop()?.terminate();
  }

  #start(): void {
    const worker = new Worker(new URL(import.meta.resolve('#policy/opa-wasm-worker')), { workerData: this.#policy });
    this.#worker = worker;
    worker.unref();
    this.#limit(START_MS);
    worker.on('message', (message: WasmAnswer | 'ready') => {
      if (this.#worker !== worker) return;
      clearTimeout(this.#timer);
      if (message === 'ready') this.#ready = true;
      else this.#queue.shift()?.settle(decisionOf(message));
      if (this.#queue.length > 0) this.#next();
      else this.#drained();
    });
    worker.on('error', (error: Error) => {
      if (this.#worker === worker)
        this.#abandon(failed('policy_error', `the policy's thread failed: ${error.message}`));
    });
  }

  #next(): void {
    this.#worker?.postMessage(this.#queue[0]?.input);
    this.#limit(DECISION_MS);
  }

  #limit(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      this.#abandon(failed('policy_timeout', `the policy took more than ${milliseconds} ms`));
    }, milliseconds).unref();
  }

  /** The first in the queue gets this decision, the others another thread. */
  #abandon(decision: Decision): void {
    void this.#stop()?.terminate();
    this.#queue.shift()?.settle(decision);
    if (this.#queue.length > 0) this.#start();
    else this.#drained();
  }

  #stop(): Worker | undefined {
    clearTimeout(this.#timer);
    const worker = this.#worker;
    this.#worker = undefined;
    this.#ready = false;
    return worker;
  }
}

function decisionOf(answer: WasmAnswer): Decision {
  return 'failure' in answer ? failed('policy_error', answer.failure) : readAnswer(answer.value);
}

function failed(failure: 'policy_error' | 'policy_timeout', reason: string): Decision {
  return { allow: false, failure, reasons: [reason] };
}
