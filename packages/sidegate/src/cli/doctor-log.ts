/** What logs of a gateway and a service add: whether the token got there, and why it was refused. */
import { excerpt } from '@sidegate/sdk';

export interface LogEvidence {
  /** How often the gateway wrote that it verified this service's token; undefined: there is no log of it. */
  readonly gateway: number | undefined;
  /** Why the guard of the service refused, the latest first. */
  readonly refusals: readonly LoggedRefusal[];
  /** On what the service failed last. */
  readonly failure: string | undefined;
}

export interface LoggedRefusal {
  /** Undefined: the line is no JSON, or has none. */
  readonly code: string | undefined;
  readonly text: string;
}

export interface Logs {
  readonly gateway: string | undefined;
  readonly service: string | undefined;
}

const MAX_SHOWN = 200;
const FAILURE =
  /cannot import name|ImportError|ModuleNotFoundError|ERR_MODULE_NOT_FOUND|Cannot find (?:module|package)|does not provide an export/;

/** @param caller the service of the token; of a gateway's lines only those with its name count */
export function readLogs({ gateway, service }: Logs, caller: string | undefined): LogEvidence {
  const failure = service?.split('\n').findLast((line) => FAILURE.test(line));
  return {
    gateway: gateway === undefined ? undefined : linesWith(gateway, 'Service authentication', caller).length,
    refusals: linesWith(service ?? '', 'service_only_access', undefined)
      .filter(isDenial)
      .map(refusalIn)
      .toReversed(),
    failure: failure === undefined ? undefined : shown(failure),
  };
}

function linesWith(log: string, marker: string, name: string | undefined): readonly string[] {
  return log.split('\n').filter((line) => line.includes(marker) && (name === undefined || line.includes(name)));
}

const isDenial = (line: string): boolean => /denied|deny|refused/i.test(line);

/** Of a JSON line, which may stand behind a time, its code and reason; otherwise the line. */
function refusalIn(line: string): LoggedRefusal {
  try {
    const { code, reason } = JSON.parse(line.slice(line.indexOf('{'))) as Readonly<Record<string, unknown>>;
    const parts = [code, reason].filter((part) => typeof part === 'string');
    return { code: typeof code === 'string' ? code : undefined, text: shown(parts.join(': ')) };
  } catch {
    return { code: undefined, text: shown(line) };
  }
}

/** Logs may hold what they should not. */
function shown(line: string): string {
  return excerpt(line.replaceAll(/eyJ[\w-]*(?:\.[\w-]*){0,2}/g, '[token]'), MAX_SHOWN);
}
