/** What Envoy is answered: `envoy.service.auth.v3.CheckResponse`. Always an answer, never a failed call, which Envoy may be told to let pass. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Problem } from '@sidegate/sdk';
import type { Judged } from '../admin/judge-question.ts';
import { problemBody, problemFields, type Respondent } from '../proxy/respond.ts';

/** Field numbers. */
const CHECK_RESPONSE = { status: 1, denied: 2, ok: 3 } as const;
const STATUS = { code: 1, message: 2 } as const;
const DENIED = { status: 1, headers: 2, body: 3 } as const;
const OK = { headers: 2, headersToRemove: 5 } as const;
const HTTP_STATUS = { code: 1 } as const;
const HEADER_OPTION = { header: 1, appendAction: 3, keepEmptyValue: 4 } as const;
const HEADER_VALUE = { key: 1, value: 2 } as const;

/** `google.rpc.Code`. */
const [UNAUTHENTICATED, PERMISSION_DENIED] = [16, 7];
const ASCII = /^[\t\x20-\x7e]*\r\n$/;
const OVERWRITE_IF_EXISTS_OR_ADD = 2;

/** Envoy frames messages itself, and finds no route without the scheme, which it has written there itself. */
const OF_ENVOY: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-forwarded-proto',
]);

export function grantedResponse({ exchange, set = [], stripped = () => true }: Judged): Uint8Array {
  // protobuf's texts are UTF-8, a header is bytes: one beyond ASCII is rather missing than another one.
  const written = set.filter(({ line }) => ASCII.test(line));
  const names = new Set(written.map(({ lowerName }) => lowerName));
  const writer = new BinaryWriter();
  begin(writer, CHECK_RESPONSE.status).join();
  begin(writer, CHECK_RESPONSE.ok);
  for (const { line } of written) {
    const colon = line.indexOf(': ');
    header(writer, OK.headers, [line.slice(0, colon), line.slice(colon + 2, -2)]);
  }
  const beyond = new Set(set.map(({ lowerName }) => lowerName));
  for (const name of new Set(exchange.fields.lowerNames)) {
    if (names.has(name) || OF_ENVOY.has(name) || !(stripped(name) || beyond.has(name))) continue;
    writer.tag(OK.headersToRemove, WireType.LengthDelimited).string(name);
  }
  return writer.join().finish();
}

export function deniedResponse(respondent: Respondent, problem: Problem): Uint8Array {
  const { status } = problem.row;
  const writer = new BinaryWriter();
  begin(writer, CHECK_RESPONSE.status);
  writer.tag(STATUS.code, WireType.Varint).int32(status === 401 ? UNAUTHENTICATED : PERMISSION_DENIED);
  writer.tag(STATUS.message, WireType.LengthDelimited).string(problem.code).join();
  begin(writer, CHECK_RESPONSE.denied);
  begin(writer, DENIED.status).tag(HTTP_STATUS.code, WireType.Varint).int32(status).join();
  for (const field of problemFields(respondent, problem)) header(writer, DENIED.headers, field);
  writer.tag(DENIED.body, WireType.LengthDelimited).string(problemBody(respondent, problem));
  return writer.join().finish();
}

function header(writer: BinaryWriter, field: number, [name, value]: readonly [string, string]): void {
  begin(writer, field);
  begin(writer, HEADER_OPTION.header);
  writer.tag(HEADER_VALUE.key, WireType.LengthDelimited).string(name);
  writer.tag(HEADER_VALUE.value, WireType.LengthDelimited).string(value).join();
  writer.tag(HEADER_OPTION.appendAction, WireType.Varint).int32(OVERWRITE_IF_EXISTS_OR_ADD);
  writer.tag(HEADER_OPTION.keepEmptyValue, WireType.Varint).bool(true).join();
}

function begin(writer: BinaryWriter, field: number): BinaryWriter {
  return writer.tag(field, WireType.LengthDelimited).fork();
}
