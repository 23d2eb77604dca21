/**
 * What may stand in a certificate as a name (RFC 5280 section 4.2.1.6, RFC 1123 section 2.1, SPIFFE-ID section 2).
 * Every function answers with the reason a name is refused, or nothing. No wildcards: a service has names, not patterns.
 */

import { isIP } from 'node:net';
import { parseSpiffeId, SpiffeIdError } from '@sidegate/sdk';

const MAX_COMMON_NAME = 64; // ub-common-name and ub-organization-name, RFC 5280 appendix A.1
const MAX_DNS_NAME = 253;

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u; // line breaks of every kind among them
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** A common name or an organization. */
export function attributeProblem(value: string): string | undefined {
  if (value === '') return 'is empty';
  if (CONTROL.test(value)) return 'has a control character';
  if (value.includes('*')) return 'is a wildcard';
  if (value.trim() !== value) return 'starts or ends with a space';
  if (value.length > MAX_COMMON_NAME) return `is longer than ${MAX_COMMON_NAME} characters`;
  return undefined;
}

/** A DNS name in lower case. */
export function dnsNameProblem(value: string): string | undefined {
  if (CONTROL.test(value)) return 'has a control character';
  if (value.includes('*')) return 'is a wildcard';
  if (value.length > MAX_DNS_NAME) return `is longer than ${MAX_DNS_NAME} characters`;
  if (isIP(value) !== 0) return 'is an IP address, not a DNS name';
  if (!value.split('.').every((label) => DNS_LABEL.test(label))) {
    return 'is not a DNS name of lower-case letters, digits and inner hyphens';
  }
  return undefined;
}

/** An IP address as text, without zone. */
export function ipAddressProblem(value: string): string | undefined {
  return isIP(value) === 0 || value.includes('%') ? 'is not an IP address' : undefined;
}

/** A SPIFFE ID of a workload: a trust domain and a path. */
export function spiffeIdProblem(value: string): string | undefined {
  try {
    return parseSpiffeId(value).path === '' ? 'has no path, so it names no workload' : undefined;
  } catch (error) {
    if (error instanceof SpiffeIdError) return `is no SPIFFE ID: ${error.message}`;
    throw error;
  }
}
