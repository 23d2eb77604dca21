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
const START_ATTEMPTS = 400;
const START_PAUSE_MILLISECONDS = 50;

interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, Value>>;
}

export class OpaServer implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });

  private constructor(process: ChildProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
  }

  static async start(data: Value): Promise<OpaServer> {
    const binary = opaBinary();
    if (binary === undefined) throw new Error('the real OPA is not installed: npm run test:peers installs it');
    const folder = mkdtempSync(join(tmpdir(), 'opa-'));
    const args = ['run', '--server', '--addr', `unix://${join(folder, 's')}`, '--log-level', 'error'];
    const child = spawn(binary, [...args, '--skip-version-check'], { stdio: 'ignore' });
    const server = new OpaServer(child, folder);
    await server.#ready();
    await server.#send('PUT', '/v1/data', toJson(data));
    return server;
  }

  /** Makes `text` the only policy. */
  async load(text: string): Promise<Refused | undefined> {
    const { status, body } = await this.#ask('PUT', '/v1/policies/policy.rego', text);
    if (status === 200) return undefined;
    const errors = errorsOf(body);
    return { code: errors[0] ?? plain(body['code']), texts: textsOf(body) };
  }

  /** The value at a path of `data`, such as `p/r0`. */
  async decide(path: string, input: Value | undefined): Promise<Answer> {
    const text = input === undefined ? '{}' : `{"input":${toJson(input)}}`;
    const { status, body } = await this.#ask('POST', `/v1/data/${path}`, text);
    if (status === 200) return { kind: 'value', value: body['result'] };
    return { kind: 'error', code: errorsOf(body)[0] ?? plain(body['code']) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    if (this.#process.exitCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
      try {
        await this.#send('GET', '/health', '');
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
      return await this.#send(method, path, text).catch(() => this.#send(method, path, text));
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
  return Array.isArray(errors) ? (errors as readonly Value[]).map(objectOf) : [];
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
