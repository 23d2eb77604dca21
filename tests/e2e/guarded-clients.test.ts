/** The guard of a process lets the clients of the SDK pass, by certificate or by token, and no others. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startCalledService } from '../support/called-service.ts';
import { createTestAuthority } from '../support/certificates.ts';

test('S0-59 calls of service clients pass the guard that stops anonymous ones, by mutual TLS alone and by token alone', async () => {
  const ca = createTestAuthority('internal-CA');
  const server = ca.issue({ eku: ['serverAuth'], dns: ['localhost'] });
  const caller = ca.issue({ subject: [{ CN: 'order-service' }] });
  const folder = await mkdtemp(path.join(tmpdir(), 'sidegate-guarded-'));
  for (const [name, content] of [
    ['tls.crt', caller.certPem],
    ['tls.key', caller.keyPem],
    ['ca.crt', ca.certPem],
  ] as const) {
    await writeFile(path.join(folder, name), content);
  }
  await using service = await startCalledService({
    tls: { cert: server.certPem, key: server.keyPem, ca: ca.certPem, requestCert: true, rejectUnauthorized: false },
  });
  const program = `
    import { readFileSync } from 'node:fs';
    import { identityFromFiles, serviceClient, staticToken } from '@sidegate/sdk/client';
    const [, target, folder] = process.argv;
    const ca = readFileSync(folder + '/ca.crt', 'utf8');
    const identity = identityFromFiles({ cert: folder + '/tls.crt', key: folder + '/tls.key', ca: folder + '/ca.crt' });
    const outcomes = [];
    for (const proof of [{ identity }, { ca, development: true, credentials: staticToken('abc') }]) {
      const client = serviceClient({ target, retries: 0, ...proof });
      outcomes.push((await client.fetch('/proven')).status);
      await client.close();
    }
    outcomes.push(await fetch(target + '/anonymous').then(() => 'reached', () => 'stopped'));
    console.log(outcomes.join());`;
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      [
        '--conditions=@sidegate/source',
        '--import',
        '@sidegate/sdk/guard',
        '--input-type=module',
        '-e',
        program,
        service.url,
        folder,
      ],
      {
        timeout: 30_000,
        cwd: path.join(import.meta.dirname, '../..'),
        env: {
          ...process.env,
          SIDEGATE_GUARD: 'block',
          SIDEGATE_GUARD_EXEMPT: 'nobody.example',
          NODE_EXTRA_CA_CERTS: path.join(folder, 'ca.crt'),
        },
      },
      (error, stdout, stderr) => (error === null ? resolve(stdout) : reject(new Error(stderr, { cause: error }))),
    );
  });
  assert.equal(output.trim(), '200,200,stopped');
  assert.deepEqual(
    service.calls.map(({ target }) => target),
    ['/proven', '/proven'],
  );
  await rm(folder, { recursive: true });
});
