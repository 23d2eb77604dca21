/** A refusal as Nest's own exception, which its exception filters see like every other. */
import { type ExecutionContext, HttpException } from '@nestjs/common';
import type { Answer } from '../server/answer.ts';

/** Both platforms have `header`; Nest writes the body, and the length of what it writes. */
export function exceptionOf(context: ExecutionContext, { status, headers, body }: Answer): HttpException {
  const response = context.switchToHttp().getResponse<{ header(name: string, value: string): unknown }>();
  const { 'content-length': _, ...fields } = headers;
  for (const [name, value] of Object.entries(fields)) response.header(name, value);
  return new HttpException(headers['content-type']?.includes('json') === true ? JSON.parse(body) : body, status);
}
