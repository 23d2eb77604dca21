/** What `sidegate up` prints: prose for people, one JSON object a line for machines. */
import { styleText } from 'node:util';
import type {
  AttackEvent,
  CheckEvent,
  HopEvent,
  LabEvent,
  ProcessEvent,
  StateEvent,
  SummaryEvent,
} from '../lab/event.ts';

export interface Output {
  readonly write: (text: string) => void;
  readonly colour: boolean;
}

export type Reporter = (event: LabEvent) => void;

export function jsonReporter({ write }: Pick<Output, 'write'>): Reporter {
  return (event) => write(`${JSON.stringify(event)}\n`);
}

type Paint = (style: 'green' | 'red' | 'yellow' | 'dim' | 'bold', text: string) => string;

export function textReporter({ write, colour }: Output): Reporter {
  const paint: Paint = (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text);
  let chapter = '';
  const begin = (title: string): void => {
    if (title !== chapter) write(`\n${paint('bold', title)}\n`);
    chapter = title;
  };
  return (event) => {
    switch (event.event) {
      case 'patch':
        begin('Corrections of the given files');
        return write(
          `  ${paint('yellow', event.id)}  ${event.file}: ${event.what}${event.how === 'built in' ? paint('dim', ' (built in)') : ''}\n`,
        );
      case 'state':
        begin('Starting');
        return write(stateLine(event));
      case 'process':
        begin('Starting');
        return write(processLine(event, paint));
      case 'hop':
        begin(`Walk-through: ${event.request}`);
        return write(hopLines(event, paint));
      case 'check':
        begin('What the walk-through promises');
        return write(checkLine(event, paint));
      case 'attack':
        begin('Every way in, the right one and the wrong ones');
        return write(attackLines(event, paint));
      case 'summary':
        begin('Result');
        return write(summaryLines(event, paint));
    }
  };
}

function stateLine({ root, certificates }: StateEvent): string {
  const counts = Object.entries(certificates).map(([action, count]) => `${count} ${action}`);
  return `  everything below ${root}; certificates: ${counts.join(', ')}\n`;
}

function processLine({ name, addresses, after_ms }: ProcessEvent, paint: Paint): string {
  return `  ${name.padEnd(20)} ${addresses.join('  ')}  ${paint('dim', `after ${after_ms} ms`)}\n`;
}

function hopLines(hop: HopEvent, paint: Paint): string {
  const { service, direction, decision, method, path, downstream, upstream_path, caller, user, token, rule } = hop;
  const arrow = direction === 'ingress' ? '→' : '↗';
  const verdict = paint(
    decision === 'allow' ? 'green' : 'red',
    [decision, hop.status, hop.code].filter(Boolean).join(' '),
  );
  const onward = downstream === undefined ? '' : paint('dim', `  to ${downstream} ${upstream_path ?? ''}`);
  const head = `  ${arrow} ${paint('bold', service)} ${method ?? ''} ${path ?? ''}  ${verdict}  ${hop.duration_ms.toFixed(1)} ms${onward}\n`;
  const detail = (label: string, text: string | undefined): string =>
    text === undefined || text === '' ? '' : `      ${paint('dim', label.padEnd(7))} ${text}\n`;
  return [
    head,
    detail('caller', caller ?? (direction === 'ingress' ? 'no certificate' : 'its own app')),
    detail('user', user),
    detail(
      'token',
      token &&
        `issuer ${token.issuer}, audience ${token.audience?.join(' ')}, client ${token.client_id}, scope ${token.scope || 'none'}`,
    ),
    detail('rule', rule),
    detail('because', hop.reasons.join('; ')),
  ].join('');
}

function checkLine({ ok, id, step, what, expected, observed }: CheckEvent, paint: Paint): string {
  const where = step === undefined ? '      ' : `step ${String(step).padEnd(2)}`.slice(0, 7);
  const outcome = ok ? paint('dim', observed) : `${paint('red', observed)}, expected ${expected}`;
  return `  ${mark(ok, paint)} ${where.padEnd(7)} ${id}  ${what}: ${outcome}\n`;
}

function attackLines({ ok, ids, what, at, expected, observed, reason }: AttackEvent, paint: Paint): string {
  const outcome = ok ? observed : `${paint('red', observed)}, expected ${expected}`;
  return `  ${mark(ok, paint)} ${what}: ${paint('bold', outcome)}  ${paint('dim', ids.join(' '))}\n      ${paint('dim', `${at}: ${reason}`)}\n`;
}

function summaryLines({ ok, checks, attacks, failed, cold_start_ms }: SummaryEvent, paint: Paint): string {
  const verdict = ok ? paint('green', 'all held') : paint('red', `${failed.length} did not hold`);
  const coldStart =
    cold_start_ms === undefined
      ? 'no order was answered'
      : `first order answered ${(cold_start_ms / 1000).toFixed(1)} s after the command began`;
  return [
    `  ${checks} promises and ${attacks} ways in: ${verdict}\n`,
    ...failed.map((what) => `  ${mark(false, paint)} ${what}\n`),
    `  ${coldStart}\n`,
  ].join('');
}

const mark = (ok: boolean, paint: Paint): string => (ok ? paint('green', '✓') : paint('red', '✗'));
