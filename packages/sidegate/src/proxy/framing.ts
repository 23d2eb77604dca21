/** What llhttp and Node call a message that is none, in our words. */
import { Problem } from '@sidegate/sdk';
import type { ParseFailure } from '../net/listener.ts';

export function framingProblem(failure: ParseFailure): Problem {
  const { code } = failure;
  const reason = `the bytes are not an HTTP/1.1 request (${code.slice(0, 64)}: ${failure.reason.slice(0, 128)})`;
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('too_many_headers', reason);
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem('body_too_large', reason);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request_timeout', 'the request did not arrive in time');
    case 'HPE_INVALID_VERSION':
      // llhttp uses this code for a line end in the wrong place as well.
      return new Problem(
        failure.reason === 'Invalid HTTP version' ? 'http_version_unsupported' : 'framing_invalid',
        reason,
      );
    default:
      return new Problem('framing_invalid', reason);
  }
}
