/** Where a request goes, for policies and audiences: only a path that every reader understands alike. */
import { Problem } from '../problem.ts';
import type { ReceivedRequest } from './received-request.ts';

/** What routers decode, merge or resolve, each in its own way: RFC 3986 sections 3.3 and 5.2.4. */
const AMBIGUOUS = /[^!-~]|[\\;#]|\/\/|\/\.{1,2}(?:\/|$)|%(?:2[ef]|5c|[01][\da-f]|7f|25|3b|3f|23|(?![\da-f]{2}))/i;

/**
 * Path and query as received.
 *
 * @throws Problem `path_ambiguous`
 */
export function splitTarget({ target }: Pick<ReceivedRequest, 'target'>): {
  readonly path: string;
  readonly query: string;
} {
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  if (!path.startsWith('/') || AMBIGUOUS.test(path))
    throw new Problem('path_ambiguous', 'the path has several readings');
  requireUtf8(path);
  return { path, query: question < 0 ? '' : target.slice(question + 1) };
}

function requireUtf8(path: string): void {
  if (!path.includes('%')) return;
  try {
    decodeURIComponent(path);
  } catch (cause) {
    throw new Problem('path_ambiguous', 'the path is not UTF-8', { cause });
  }
}
