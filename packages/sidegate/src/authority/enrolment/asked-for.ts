/** The body of an enrolment or a renewal: JSON, exactly these members. */
import { JsonError, type JsonObject, type JsonValue, parseStrictJson } from '@sidegate/sdk';
import type { AskedFor } from './certificate-authority.ts';
import { EnrolmentRefused } from './enrolment-refused.ts';

export interface EnrolmentBody extends AskedFor {
  readonly joinToken: string;
}

/** @throws EnrolmentRefused `invalid_request` */
export function readEnrolment(contentType: string | undefined, body: Buffer): EnrolmentBody {
  const { join_token: joinToken, ...asked } = readMembers(contentType, body);
  if (typeof joinToken !== 'string') throw invalid('join_token must be a string');
  return { joinToken, ...readAsked(asked) };
}

/** @throws EnrolmentRefused `invalid_request` */
export function readRenewal(contentType: string | undefined, body: Buffer): AskedFor {
  return readAsked(readMembers(contentType, body));
}

function readAsked({ csr, ttl_seconds: ttlSeconds, ...others }: JsonObject): AskedFor {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid('there is a member that is not known');
  if (typeof csr !== 'string') throw invalid('csr must be a PKCS#10 request in PEM');
  if (ttlSeconds === undefined) return { csr };
  if (typeof ttlSeconds !== 'number' || !Number.isSafeInteger(ttlSeconds)) {
    throw invalid('ttl_seconds must be a whole number');
  }
  return { csr, ttlSeconds };
}

function readMembers(contentType: string | undefined, body: Buffer): JsonObject {
  if (!/^application\/json\s*(?:;|$)/i.test(contentType ?? '')) throw invalid('the body must be application/json');
  const value = parsed(body);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw invalid('the body must be an object');
  return value as JsonObject;
}

function parsed(body: Buffer): JsonValue {
  try {
    return parseStrictJson(body);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw invalid(`the body is no JSON: ${error.message}`);
  }
}

function invalid(description: string): EnrolmentRefused {
  return new EnrolmentRefused('invalid_request', description);
}
