/** What llhttp and Node call a message that is none, in our words. */
import { Problem } from '@sidegate/sdk';

export function framingProblem(code: string): Problem {
  const reason = `the bytes are not an HTTP/1.1 request (${code.slice(0, 64)})`;
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('too_many_headers', reason);
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem('body_too_large', reason);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request_timeout', 'the request did not arrive in time');
    case 'HPE_INVALID_VERSION':
      return new Problem('http_version_unsupported', reason);
    default:
      return new Problem('framing_invalid', reason);
  }
}
