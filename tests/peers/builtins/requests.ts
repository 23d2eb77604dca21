/** Requests signed for AWS, and what is no such request. */
import type { BuiltinRows } from '../builtin-batch.ts';
import { calls } from './arguments.ts';

const REQUESTS = [
  '{"method": "get", "url": "https://example.com"}',
  '{"method": "GET", "url": "https://example.com/a b/c%20d?x=1&y=2&x=0"}',
  '{"method": "POST", "url": "https://example.com:8443/\u00fc", "body": {"b": 1, "a": [true, null]}}',
  '{"method": "post", "url": "http://example.com/", "raw_body": "text"}',
  '{"method": "post", "url": "http://example.com/", "raw_body": "text", "body": {"a": 1}}',
  '{"method": "put", "url": "http://example.com/", "headers": {"X-B": "2", "a": " 1  2 ", "User-Agent": "u"}}',
  '{"method": "put", "url": "http://example.com/", "headers": {"host": "other.example"}}',
  '{"method": "put", "url": "http://example.com/", "headers": {"authorization": "x", "content-type": "y"}}',
  '{"method": "put", "url": "http://example.com/", "headers": {"a": 1}}',
  '{"method": "put", "url": "http://example.com/", "headers": {"a": ["x", "y"]}}',
  '{"method": "put", "url": "http://example.com/", "headers": "x"}',
  '{"method": "put", "url": "http://example.com/", "headers": null}',
  '{"method": "delete", "url": "http://example.com/?a=b%2Fc&d"}',
  '{"method": "delete", "url": "http://example.com/../a//b/./c"}',
  '{"method": "delete", "url": "example.com/a"}',
  '{"method": "delete", "url": ""}',
  '{"method": "delete", "url": "::"}',
  '{"method": "", "url": "http://example.com"}',
  '{"method": 1, "url": "http://example.com"}',
  '{"method": "get", "url": 1}',
  '{"method": "get"}',
  '{"url": "http://example.com"}',
  '{}',
  '{"method": "get", "url": "http://example.com", "body": "text"}',
  '{"method": "get", "url": "http://example.com", "body": null}',
  '{"method": "get", "url": "http://example.com", "raw_body": 1}',
  '{"method": "get", "url": "http://example.com", "unknown": 1}',
];
const required = (service: string, more = ''): string =>
  `{"aws_service": "${service}", "aws_access_key": "key", "aws_secret_access_key": "secret", "aws_region": "eu-1"${more}}`;
const CONFIGS = [
  required('s3'),
  required('es'),
  required('glacier'),
  required('s3', ', "aws_session_token": "token"'),
  required('s3', ', "disable_payload_signing": true'),
  required('es', ', "disable_payload_signing": true'),
  required('s3', ', "disable_payload_signing": false'),
  required('s3', ', "disable_payload_signing": "x"'),
  required('s3', ', "aws_session_token": ""'),
  required(''),
  '{"aws_service": "s3"}',
  '{"aws_service": 1, "aws_access_key": "key", "aws_secret_access_key": null, "aws_region": "eu-1"}',
  '{}',
];
const TIMES = ['1795305600000000000', '0', '-1', '1.5', '1e30', '1795305600123456789'];

export const REQUEST_CALLS: readonly BuiltinRows[] = [
  calls('providers.aws.sign_req', [REQUESTS, CONFIGS.slice(0, 1), TIMES.slice(0, 1)]),
  calls('providers.aws.sign_req', [REQUESTS.slice(0, 4), CONFIGS, TIMES], { limit: 400 }),
];
