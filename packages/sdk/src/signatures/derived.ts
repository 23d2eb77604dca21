/** Derived components of a request, RFC 9421 section 2.2. */
import type { Component } from './component.ts';
import type { SignedRequest } from './message.ts';

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** `undefined` where the request has no such component, or no single one. */
export function derivedFromRequest(request: SignedRequest, component: Component): string | undefined {
  switch (component.name) {
    case '@method':
      return request.method;
    case '@target-uri':
      return targetUri(request);
    case '@authority':
      return authorityOf(request);
    case '@scheme':
      return request.scheme.toLowerCase();
    case '@request-target':
      return request.target;
    case '@path':
      return pathAndQuery(request)?.path;
    case '@query':
      return pathAndQuery(request)?.query;
    case '@query-param':
      return queryParam(request, component.parameters.get('name'));
    default:
      return undefined;
  }
}

function authorityOf({ authority, scheme }: SignedRequest): string {
  const host = authority.toLowerCase();
  const port = DEFAULT_PORTS[scheme.toLowerCase()];
  return port !== undefined && host.endsWith(`:${port}`) ? host.slice(0, -port.length - 1) : host;
}

function targetUri(request: SignedRequest): string | undefined {
  if (ABSOLUTE.test(request.target)) return request.target;
  const origin = `${request.scheme.toLowerCase()}://${request.authority}`;
  if (request.target === '*') return origin;
  return request.target.startsWith('/') ? origin + request.target : undefined;
}

const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

function pathAndQuery({ target }: SignedRequest): { path: string; query: string } | undefined {
  const relative = target === '*' ? '' : target.replace(ABSOLUTE, '');
  if (relative !== '' && !/^[/?]/.test(relative)) return undefined;
  const mark = relative.indexOf('?');
  if (mark < 0) return { path: relative || '/', query: '?' };
  return { path: relative.slice(0, mark) || '/', query: relative.slice(mark) };
}

/** Section 2.2.8: a parameter that comes twice cannot be signed by its name, because readers take the first or the last. */
function queryParam(request: SignedRequest, name: unknown): string | undefined {
  const query = pathAndQuery(request)?.query;
  if (query === undefined) return undefined;
  const values = [...new URLSearchParams(query)].filter(([own]) => formEncoded(own) === name).map(([, value]) => value);
  const [value] = values;
  // bytes that are not UTF-8 are all decoded to the same character
  if (value === undefined || values.length > 1 || value.includes('\ufffd')) return undefined;
  return formEncoded(value);
}

/** The percent-encode set of `application/x-www-form-urlencoded`, with `%20` for a space. */
function formEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
