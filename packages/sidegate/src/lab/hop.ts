/** One line of an audit trail, told as a hop: who called, for whom, with which token, what decided, how long it took. */
import type { AuditLine } from './audit-feed.ts';
import type { HopEvent } from './event.ts';

/** @param request what the user set out to do */
export function hop(request: string, line: AuditLine): HopEvent {
  const caller = line.peer?.spiffe_id ?? line.peer?.subject;
  const sub = line.user?.sub ?? line.user_context;
  const name = line.user?.name;
  const user = sub === undefined || name === undefined ? sub : `${sub} (${name})`;
  return {
    event: 'hop',
    request,
    service: line.service,
    direction: line.direction,
    decision: line.decision,
    ...defined('status', line.status),
    ...defined('code', line.code),
    ...defined('method', line.method),
    ...defined('path', line.path),
    ...defined('downstream', line.downstream),
    ...defined('upstream_path', line.upstream_path),
    ...defined('caller', caller),
    ...defined('user', user),
    ...defined('token', line.token),
    ...defined('rule', shortRule(line.rule)),
    reasons: line.reasons,
    duration_ms: line.duration_ms,
    correlation_id: line.correlation_id,
  };
}

/** `order.rego:8`: where it stands below the policies' directory. */
export function shortRule(rule: string | undefined): string | undefined {
  return rule?.replace(/^.*\/policies\//, '');
}

function defined<Key extends string, V>(key: Key, value: V | undefined): { [K in Key]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: V };
}
