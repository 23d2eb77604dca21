import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attributeProblem, dnsNameProblem, ipAddressProblem, spiffeIdProblem } from './names.ts';

const refused: readonly [string, (value: string) => string | undefined, string, RegExp][] = [
  ['an empty common name', attributeProblem, '', /empty/],
  ['a line break in a common name', attributeProblem, 'api\r\nO=Evil', /control character/],
  ['a line separator in a common name', attributeProblem, 'api\u2028x', /control character/],
  ['a NUL in a common name', attributeProblem, 'api\0.evil', /control character/],
  ['a wildcard as common name', attributeProblem, '*.zone1.local', /wildcard/],
  ['a padded common name', attributeProblem, 'api ', /space/],
  ['a common name of 65 characters', attributeProblem, 'a'.repeat(65), /longer than 64/],
  ['a line break in a DNS name', dnsNameProblem, 'a.local\n', /control character/],
  ['a wildcard DNS name', dnsNameProblem, '*.zone1.local', /wildcard/],
  ['an upper-case DNS name', dnsNameProblem, 'Api.local', /not a DNS name/],
  ['an empty label', dnsNameProblem, 'api..local', /not a DNS name/],
  ['a trailing dot', dnsNameProblem, 'api.local.', /not a DNS name/],
  ['a label that starts with a hyphen', dnsNameProblem, '-api.local', /not a DNS name/],
  ['a label of 64 characters', dnsNameProblem, 'a'.repeat(64), /not a DNS name/],
  ['a DNS name of 254 characters', dnsNameProblem, `${'a.'.repeat(126)}aa`, /longer than 253/],
  ['an address as DNS name', dnsNameProblem, '127.0.0.1', /IP address/],
  ['an empty DNS name', dnsNameProblem, '', /not a DNS name/],
  ['a name as address', ipAddressProblem, 'localhost', /not an IP address/],
  ['an address with a zone', ipAddressProblem, 'fe80::1%eth0', /not an IP address/],
  ['a network as address', ipAddressProblem, '10.0.0.0/8', /not an IP address/],
  ['a URL as SPIFFE ID', spiffeIdProblem, 'https://example.org/zone1/api', /spiffe:/],
  ['a SPIFFE ID without path', spiffeIdProblem, 'spiffe://example.org', /no path/],
  ['a SPIFFE ID with a relative segment', spiffeIdProblem, 'spiffe://example.org/zone1/../api', /dot segment/],
  ['a SPIFFE ID with an upper-case trust domain', spiffeIdProblem, 'spiffe://Example.org/a', /lower-case/],
  ['a SPIFFE ID with a line break', spiffeIdProblem, 'spiffe://example.org/a\nb', /letters, digits/],
];
for (const [title, problem, value, reason] of refused) {
  test(`${title} is refused`, () => assert.match(problem(value) ?? '', reason));
}

const accepted: readonly [(value: string) => string | undefined, string][] = [
  [attributeProblem, 'zone1-CA'],
  [attributeProblem, 'Müller & Söhne, Inc.'],
  [dnsNameProblem, 'api-gateway.zone1.local'],
  [dnsNameProblem, 'localhost'],
  [dnsNameProblem, 'xn--mller-kva.example'],
  [ipAddressProblem, '127.0.1.1'],
  [ipAddressProblem, '::1'],
  [spiffeIdProblem, 'spiffe://example.org/zone1/api-gateway'],
];
for (const [problem, value] of accepted) {
  test(`${value} is a name`, () => assert.equal(problem(value), undefined));
}
