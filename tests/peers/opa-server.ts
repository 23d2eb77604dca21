/** The real OPA as a server on a Unix socket: one policy at a time, many decisions. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseJson, toJson, type Value } from '@sidegate/rego';
import { opaBinary } from './opa-binary.ts';
import type { Answer, Refused } from './outcome.ts';

/** The code of an answer that is none. */
export const PANIC = 'opa_panic';
/** OPA that panicked once answers no longer. */
const SILENT = 'no answer';
const ANSWER_MILLISECONDS = 10_000;
const START_ATTEMPTS = 400;
const START_PAUSE_MILLISECONDS = 50;

/** What stands behind the module was not looked at. */
interface RefusedModule extends Refused {
  readonly file: string;
}

interface SourceModule {
  readonly file: string;
  readonly text: string;
}

interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, Value>>;
}

export class OpaServer implements AsyncDisposable {
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'opa-'));
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  readonly #data: Value;
  readonly #loaded: string[] = [];
  #process: ChildProcess;

  readonly #flags: readonly string[];

  private constructor(data: Value, flags: readonly string[]) {
    this.#data = data;
    this.#flags = flags;
    this.#process = this.#spawn();
  }

  static async start(data: Value, flags: readonly string[] = []): Promise<OpaServer> {
    const server = new OpaServer(data, flags);
    await server.#ready();
    return server;
  }

  /** Makes `modules` the only ones, in an order in which each finds what it refers to. */
  async load(modules: readonly SourceModule[]): Promise<RefusedModule | undefined> {
    // What is there refers to what comes before it.
    for (const file of this.#loaded.splice(0).toReversed()) await this.#ask('DELETE', `/v1/policies/${file}`, '');
    for (const { file, text } of modules) {
      const { status, body } = await this.#ask('PUT', `/v1/policies/${file}`, text);
      if (status === 200) this.#loaded.push(file);
      else return { ...(await this.#refused(body)), file };
    }
    return undefined;
  }

  /** The value at a path of `data`, such as `p/r0`. */
  async decide(path: string, input: Value | undefined): Promise<Answer> {
    const text = input === undefined ? '{}' : `{"input":${toJson(input)}}`;
    const { status, body } = await this.#ask('POST', `/v1/data/${path}`, text);
    if (status === 200) return { kind: 'value', value: body['result'] };
    return { kind: 'error', code: errorsOf(body)[0] ?? plain(body['code']) };
  }

  /** The solutions of a query, each an object of its variables; or why it has none. */
  async query(text: string, input: Value | undefined): Promise<Answer | Refused> {
    const request = input === undefined ? { query: text } : { query: text, input };
    const { status, body } = await this.#ask('POST', '/v1/query', toJson(request));
    if (status === 200) return { kind: 'value', value: body['result'] ?? [] };
    if (status === 400) return this.#refused(body);
    return { kind: 'error', code: errorsOf(body)[0] ?? plain(body['code']) };
  }

  async #refused(body: Reply['body']): Promise<Refused> {
    // A panic leaves OPA's store locked: whatever is written next would wait for ever.
    if (body['code'] === PANIC) await this.#restart();
    const errors = errorsOf(body);
    return { codes: new Set(errors.length === 0 ? [plain(body['code'])] : errors), texts: textsOf(body) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.#end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #spawn(): ChildProcess {
    const binary = opaBinary();
    if (binary === undefined) throw new Error('the real OPA is not installed: npm run test:peers installs it');
    const args = ['run', '--server', '--addr', `unix://${join(this.#folder, 's')}`, '--log-level', 'error'];
    // Otherwise OPA writes what a `with` replaces into base documents that another `with` has passed on.
    args.push('--optimize-store-for-read-speed');
    return spawn(binary, [...args, '--skip-version-check', ...this.#flags], { stdio: 'ignore' });
  }

  async #end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  async #restart(): Promise<void> {
    this.#loaded.length = 0;
    await this.#end();
    rmSync(join(this.#folder, 's'), { force: true });
    this.#process = this.#spawn();
    await this.#ready();
  }

  async #ready(): Promise<void> {
    for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
      try {
        await this.#send('GET', '/health', '');
        await this.#send('PUT', '/v1/data', toJson(this.#data));
        return;
      } catch {
        await new Promise((resume) => setTimeout(resume, START_PAUSE_MILLISECONDS));
      }
    }
    await this[Symbol.asyncDispose]();
    throw new Error('the real OPA does not answer');
  }

  /** OPA closes the connection when it panics; that is an answer of its own, and seldom only an idle connection's end. */
  async #ask(method: string, path: string, text: string): Promise<Reply> {
    try {
      return await this.#send(method, path, text).catch((error: unknown) => {
        if (error instanceof Error && error.message === SILENT) throw error;
        return this.#send(method, path, text);
      });
    } catch {
      return { status: 0, body: { code: PANIC } };
    }
  }

  #send(method: string, path: string, text: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const options = { socketPath: join(this.#folder, 's'), agent: this.#agent, method, path };
      const outgoing = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const answer = Buffer.concat(chunks).toString('utf8').trim();
          resolve({ status: response.statusCode ?? 0, body: objectOf(answer === '' ? {} : parseJson(answer)) });
        });
      });
      outgoing.on('error', reject);
      outgoing.setTimeout(ANSWER_MILLISECONDS, () => outgoing.destroy(new Error(SILENT)));
      outgoing.end(text);
    });
  }
}

function objectOf(value: Value | undefined): Readonly<Record<string, Value>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return value as Readonly<Record<string, Value>>;
}

function errorList(body: Readonly<Record<string, Value>>): readonly Readonly<Record<string, Value>>[] {
  const { errors } = body;
  const list = Array.isArray(errors) ? (errors as readonly Value[]).map(objectOf) : [];
  // The mark after the tenth error is none of the policy's.
  return list.filter(({ message }) => message !== 'error limit reached');
}

function errorsOf(body: Readonly<Record<string, Value>>): readonly string[] {
  return errorList(body).map(({ code }) => plain(code));
}

function textsOf(body: Readonly<Record<string, Value>>): readonly string[] {
  return errorList(body).map(({ code, message, location }) => {
    const { row, col } = objectOf(location);
    return `${plain(row)}:${plain(col)} ${plain(code)}: ${plain(message)}`;
  });
}

function plain(value: Value | undefined): string {
  return typeof value === 'string' ? value : value === undefined ? '?' : toJson(value);
}
