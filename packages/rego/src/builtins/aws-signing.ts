/** `providers.aws.sign_req`: AWS Signature Version 4 over an HTTP request object. */
import { toJson } from '../value/json.ts';
import { toInteger } from '../value/number.ts';
import { isObject, objectEntries, objectFromEntries, objectGet, objectKeys } from '../value/object.ts';
import { setFrom } from '../value/set.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import type { Builtin, BuiltinContext } from './builtin.ts';
import { toBytes } from './bytes.ts';
import { cryptoOf } from './crypto.ts';
import { toHex } from './encoding.ts';
import { numberOperand, objectOperand, operandError, operandTypeError } from './operand.ts';
import { regoText } from './text.ts';
import { ANY, NUMBER, objectOf, STRING } from './type.ts';
import { requestTarget } from './uri.ts';

const STRING_OBJECT = objectOf(STRING, ANY);

export const AWS_SIGNING: readonly Builtin[] = [
  {
    name: 'providers.aws.sign_req',
    args: [STRING_OBJECT, STRING_OBJECT, NUMBER],
    result: objectOf(ANY, ANY),
    evaluate: (context, request, config, time) => {
      const [target, settings] = [objectOperand(request, 1), objectOperand(config, 1)];
      return signRequest(context, target, readCredentials(settings), readTime(time));
    },
  },
];

interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  readonly service: string;
  readonly sessionToken: string;
  readonly unsignedPayload: boolean | undefined;
}

const REQUIRED = ['aws_service', 'aws_access_key', 'aws_secret_access_key', 'aws_region'] as const;
/** What a request of `http.send` may say; a signed one is such a request. */
const PARAMETERS: ReadonlySet<string> = new Set([
  'body',
  'cache',
  'cache_ignored_headers',
  'caching_mode',
  'enable_redirect',
  'force_cache',
  'force_cache_duration_seconds',
  'force_json_decode',
  'force_yaml_decode',
  'headers',
  'max_retry_attempts',
  'method',
  'raise_error',
  'raw_body',
  'timeout',
  'tls_ca_cert',
  'tls_ca_cert_env_variable',
  'tls_ca_cert_file',
  'tls_client_cert',
  'tls_client_cert_env_variable',
  'tls_client_cert_file',
  'tls_client_key',
  'tls_client_key_env_variable',
  'tls_client_key_file',
  'tls_insecure_skip_verify',
  'tls_server_name',
  'tls_use_system_certs',
  'url',
]);
/** Proxies may change these on the way, so they are not signed. */
const UNSIGNED_HEADERS: ReadonlySet<string> = new Set(['authorization', 'user-agent', 'x-amzn-trace-id']);

function readCredentials(config: ObjectValue): Credentials {
  const absent = REQUIRED.filter((name) => objectGet(config, name) === undefined);
  if (absent.length > 0)
    throw operandError(2, `missing required AWS config parameters(s): ${regoText(setFrom(absent))}`);
  const wrong = REQUIRED.filter((name) => typeof objectGet(config, name) !== 'string');
  if (wrong.length > 0) {
    throw operandError(2, `invalid values for required AWS config parameters(s): ${regoText(setFrom(wrong))}`);
  }
  const unsigned = objectGet(config, 'disable_payload_signing');
  return {
    service: text(config, 'aws_service'),
    accessKey: text(config, 'aws_access_key'),
    secretKey: text(config, 'aws_secret_access_key'),
    region: text(config, 'aws_region'),
    sessionToken: text(config, 'aws_session_token'),
    unsignedPayload: unsigned === undefined ? false : typeof unsigned === 'boolean' ? unsigned : undefined,
  };
}

function text(object: ObjectValue, name: string): string {
  const value = objectGet(object, name);
  return typeof value === 'string' ? value : '';
}

/** `20151228T140825Z`. */
function readTime(value: Value): string {
  const nanoseconds = toInteger(numberOperand(value, 1));
  if (nanoseconds === undefined || BigInt.asIntN(64, nanoseconds) !== nanoseconds) {
    throw operandError(3, 'could not convert time_ns value into a unix timestamp');
  }
  const iso = new Date(Math.floor(Number(nanoseconds) / 1e9) * 1000).toISOString();
  return `${iso.slice(0, 19).replace(/[-:]/g, '')}Z`;
}

function signRequest(context: BuiltinContext, request: ObjectValue, credentials: Credentials, time: string): Value {
  const unknown = objectKeys(request).filter((name) => typeof name !== 'string' || !PARAMETERS.has(name));
  if (unknown.length > 0) throw operandError(1, `invalid request parameters(s): ${regoText(setFrom(unknown))}`);
  const absent = ['method', 'url'].filter((name) => objectGet(request, name) === undefined);
  if (absent.length > 0) throw operandError(1, `missing required request parameters(s): ${regoText(setFrom(absent))}`);
  const headers = objectGet(request, 'headers');
  if (headers !== undefined && !isObject(headers)) throw operandTypeError(0, headers, 'object');
  const wrong = ['method', 'url'].filter((name) => typeof objectGet(request, name) !== 'string');
  if (wrong.length > 0)
    throw operandError(1, `invalid values for required request parameters(s): ${regoText(setFrom(wrong))}`);
  if (credentials.unsignedPayload === undefined) {
    throw operandError(2, "invalid value for 'disable_payload_signing' in AWS config");
  }
  const target = requestTarget(text(request, 'url'));
  const bodyHash = credentials.unsignedPayload ? 'UNSIGNED-PAYLOAD' : toHex(hash(context, bodyOf(request)));
  const signing = new Map([
    ['host', target.host],
    ['x-amz-date', time],
  ]);
  // Only these services insist on the hash as a header.
  if (['s3', 'glacier'].includes(credentials.service)) signing.set('x-amz-content-sha256', bodyHash);
  if (credentials.sessionToken !== '') signing.set('x-amz-security-token', credentials.sessionToken);

  const signed = new Map(signing);
  for (const [name, value] of objectEntries(headers ?? {})) {
    const lower = typeof name === 'string' ? name.toLowerCase() : '';
    if (!UNSIGNED_HEADERS.has(lower)) signed.set(lower, typeof value === 'string' ? value : '');
  }
  const names = [...signed.keys()].toSorted();
  const canonical = [
    text(request, 'method'),
    target.path,
    target.query,
    ...names.map((name) => `${name}:${signed.get(name) ?? ''}`),
    '',
    names.join(';'),
    bodyHash,
  ].join('\n');
  const authorization = authorize(context, credentials, { time, names, canonical });
  const entries = objectEntries(headers ?? {}).map(
    ([name, value]) => [name, typeof value === 'string' ? value : ''] as const,
  );
  const withSignature = objectFromEntries([...entries, ['Authorization', authorization], ...signing]);
  return objectFromEntries([...objectEntries(request), ['headers', withSignature]]);
}

function authorize(
  context: BuiltinContext,
  { accessKey, secretKey, region, service }: Credentials,
  { time, names, canonical }: { time: string; names: readonly string[]; canonical: string },
): string {
  const date = time.slice(0, 8);
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${toHex(hash(context, canonical))}`;
  const crypto = cryptoOf(context);
  const hmac = (secret: Uint8Array, message: string): Uint8Array => crypto.hmac('sha256', secret, toBytes(message));
  const key = [date, region, service, 'aws4_request'].reduce(hmac, toBytes(`AWS4${secretKey}`));
  const signature = toHex(hmac(key, toSign));
  return `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope},SignedHeaders=${names.join(';')},Signature=${signature}`;
}

function hash(context: BuiltinContext, message: string): Uint8Array {
  return cryptoOf(context).hash('sha256', toBytes(message));
}

function bodyOf(request: ObjectValue): string {
  if (objectGet(request, 'raw_body') !== undefined) return text(request, 'raw_body');
  const body = objectGet(request, 'body');
  return body === undefined ? '' : toJson(body);
}
