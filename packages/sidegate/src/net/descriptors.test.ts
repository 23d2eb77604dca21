/** A connection to an upstream for which no descriptor is left. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

const upstream = path.join(import.meta.dirname, 'upstream.ts');

/** Opens files until there are no more, then asks. */
const SCRIPT = `
import { lookup } from 'node:dns';
import { openSync, closeSync } from 'node:fs';
import { createUpstream } from ${JSON.stringify(upstream)};
import { Cancellation } from ${JSON.stringify(path.join(import.meta.dirname, 'cancellation.ts'))};
const options = { connectTo: new Map(), lookup, timeoutMs: 1000, connectTimeoutMs: 1000, handshakeTimeoutMs: 1000 };
const { send } = createUpstream({ url: 'http://127.0.0.1:1', ...options });
const open = [];
try {
  for (;;) open.push(openSync('/dev/null'));
} catch {}
const request = { method: 'GET', path: '/', lines: '', host: undefined, body: undefined, announcedEmpty: false };
const ask = () => send(request, {}, new Cancellation()).catch(({ code, row, retryAfterSeconds }) => [code, row.status, retryAfterSeconds]);
const without = await ask();
for (const file of open) closeSync(file);
console.log(JSON.stringify([without, await ask()]));
`;

test('is 503 not_ready, with Retry-After, and no fault of the upstream', { skip: process.platform === 'win32' }, () => {
  const node = `exec '${process.execPath}' --conditions=@sidegate/source --input-type=module -`;
  const options = { encoding: 'utf8', input: SCRIPT } as const;
  const { stdout, stderr } = spawnSync('bash', ['-c', `ulimit -n 64; ${node}`], options);
  assert.deepEqual(
    JSON.parse(stdout || 'null'),
    [
      ['not_ready', 503, 1],
      ['upstream_unreachable', 502, null],
    ],
    stderr,
  );
});
