/** A lab with mistakes in its files: those that can be read stop the start, the others are what the walk-through and the attacks find. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { LAB, type LabRun, upOnce } from '../support/lab-run.ts';

interface Mistake {
  readonly title: string;
  readonly break: (directory: string) => void;
}

const replace = (directory: string, file: string, from: string, to: string): void => {
  const before = readFileSync(path.join(directory, file), 'utf8');
  assert.ok(before.includes(from));
  writeFileSync(path.join(directory, file), before.replace(from, to));
};

const MISTAKES: readonly (Mistake & { readonly says: readonly RegExp[] })[] = [
  {
    title: 'mistakes in configurations, policies and realms are all found before anything starts',
    break: (directory) => {
      replace(directory, 'gateway.yaml', 'pass_token:', 'pass_tokens:');
      replace(directory, 'data-service.yaml', 'client_auth: "require"', 'client_auth: "maybe"');
      replace(directory, 'policies/payment.rego', 'package payment', 'package');
      replace(directory, 'realms/services.json', '"realm": "services"', '"realm": ""');
    },
    says: [
      /gateway\.yaml:\d+:\d+: error: .*pass_tokens/,
      /data-service\.yaml:\d+:\d+: error: .*client_auth/,
      /payment\.rego:\d+:\d+: error: rego_parse_error/,
      /services\.json:\d+:\d+: error: realm/,
    ],
  },
  {
    title: 'a policy that does not compile stops the start with its place, once',
    break: (directory) => replace(directory, 'policies/order.rego', 'user_roles := input', 'user_roles := imput'),
    says: [/order\.rego:\d+:\d+: error: rego_\w+: .*imput/],
  },
  {
    title: 'a realm with a user that nobody can sign in as stops the start',
    break: (directory) => replace(directory, 'realms/users.json', '"username": "john"', '"username": ""'),
    says: [/users\.json:\d+:\d+: error: .*username/],
  },
  {
    title: 'a lab.yaml that names no address for a host is refused',
    break: (directory) => replace(directory, 'lab.yaml', '  data-service.zone3.local: 127.0.3.1\n', ''),
    says: [/lab\.yaml:\d+:\d+: error: .*host/],
  },
];

for (const { title, break: breakIt, says } of MISTAKES) {
  test(`${title}, exit 78`, async () => {
    await using lab = await broken(breakIt);
    const { event, findings } = JSON.parse(lab.stdout) as { readonly event: string; readonly findings: string[] };
    assert.equal(event, 'refused');
    for (const pattern of says) assert.equal(findings.filter((finding) => pattern.test(finding)).length, 1);
    assert.equal(lab.exitCode, 78);
  });
}

/** One run of a copy of our lab with something changed. */
async function broken(breakIt: (directory: string) => void): Promise<LabRun> {
  const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-mistake-'));
  try {
    cpSync(LAB, directory, { recursive: true, filter: (source) => path.basename(source) !== '.lab' });
    breakIt(directory);
    return await upOnce(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const WRONG: readonly (Mistake & { readonly fails: readonly string[] })[] = [
  {
    title: 'a lab that lets too much through names the ways in',
    break: (directory) => {
      replace(
        directory,
        'policies/dataservice.rego',
        '["read-orders", "write-payments"]',
        '["read-orders", "write-payments", "write-orders"]',
      );
      replace(directory, 'gateway.yaml', 'path: "/api/v1/profile"', 'path: "/api/v1/**"');
    },
    fails: [
      'payment-service writes an order through its own egress',
      'the user asks the gateway for a path without a route',
    ],
  },
  {
    title: 'a lab in which nobody may order names the promises that it breaks',
    break: (directory) => replace(directory, 'policies/order.rego', '"orders:create" in', '"orders:invent" in'),
    fails: ['S3-098', 'S3-105', 'S3-108'],
  },
];

for (const { title, break: breakIt, fails } of WRONG) {
  test(`${title}, exit 1`, async () => {
    await using lab = await broken(breakIt);
    const summary = lab.events.at(-1);
    assert.ok(summary?.event === 'summary');
    assert.equal(summary.ok, false);
    for (const name of fails)
      assert.ok(summary.failed.includes(name), `${name} is not in ${summary.failed.join(', ')}`);
    assert.equal(lab.exitCode, 1);
  });
}

test('a directory without lab.yaml is refused, exit 78', async () => {
  await using lab = await upOnce(tmpdir());
  const { exitCode, stdout } = lab;
  assert.match(stdout, /lab\.yaml:1:1: error: cannot be read/);
  assert.equal(exitCode, 78);
});
