/** An identity whose files change while calls are made. */
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { startCalledService } from '../../../../tests/support/called-service.ts';
import { createTestAuthority, type TestCertificate } from '../../../../tests/support/certificates.ts';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import type { Problem } from '../problem.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { identityFromFiles, identityFromPem, serviceClient } from './index.ts';

const ca = createTestAuthority('internal-CA');
const server = ca.issue({ eku: ['serverAuth'], dns: ['localhost'] });
const tls = { cert: server.certPem, key: server.keyPem, ca: ca.certPem, requestCert: true, rejectUnauthorized: true };
const named = (name: string): TestCertificate => ca.issue({ subject: [{ CN: name }] });

async function scene() {
  const directory = await mkdtemp(path.join(tmpdir(), 'sidegate-identity-'));
  const time = manualTime();
  const at = (name: string): string => path.join(directory, name);
  const problems: Problem[] = [];
  return {
    directory,
    problems,
    at,
    /** A look is due. */
    later: () => time.advance(1_000),
    write: async ({ certPem, keyPem }: { readonly certPem: string; readonly keyPem: string }) => {
      await writeFile(at('tls.crt'), certPem);
      await writeFile(at('tls.key'), keyPem);
    },
    identity: () =>
      identityFromFiles({
        cert: at('tls.crt'),
        key: at('tls.key'),
        ca: at('ca.crt'),
        onProblem: (problem) => problems.push(problem),
        runtime: { ...systemRuntime(), clock: time.clock },
      }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

test('files that are not there, are not PEM, or do not belong together are no identity', async () => {
  await using files = await scene();
  const [one, two] = [named('one'), named('two')];
  await assert.rejects(files.identity().current(), { code: 'not_ready', message: /ENOENT/ });
  await writeFile(files.at('ca.crt'), ca.certPem);
  for (const [certPem, keyPem, reason] of [
    ['canary', one.keyPem, /is not PEM/],
    [one.certPem, 'canary', /is not PEM/],
    [one.certPem, two.keyPem, /the key is not that of the certificate/],
    ['x'.repeat(1024 * 1024 + 1), one.keyPem, /more than/],
  ] as const) {
    await files.write({ certPem, keyPem });
    await assert.rejects(files.identity().current(), (error: Error) => {
      assert.match(error.message, reason);
      assert.doesNotMatch(error.message, /canary|PRIVATE/);
      return true;
    });
  }
  await files.write(one);
  await writeFile(files.at('ca.crt'), '');
  await assert.rejects(files.identity().current(), /no authority in the trust bundle/);
  assert.throws(
    () => identityFromPem({ cert: one.certPem, key: two.keyPem }),
    /the key is not that of the certificate/,
  );
});

describe('S4-029 a certificate on disk is read again when it is renewed', () => {
  test('calls that follow show the new one, without a restart; those under way end on the old', async () => {
    await using files = await scene();
    await files.write(named('first'));
    await writeFile(files.at('ca.crt'), ca.certPem);
    const slow = Promise.withResolvers<void>();
    await using service = await startCalledService({
      tls,
      answer: async ({ target, caller }) => {
        if (target === '/slow') await slow.promise;
        return { body: { caller } };
      },
    });
    const client = serviceClient({ target: service.url, identity: files.identity() });
    assert.equal(JSON.stringify(await client.json('/')), '{"caller":"first"}');
    const underWay = client.json('/slow');
    while (service.calls.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await files.write(named('second'));
    assert.equal(JSON.stringify(await client.json('/')), '{"caller":"first"}');
    files.later();
    assert.equal(JSON.stringify(await client.json('/')), '{"caller":"second"}');
    slow.resolve();
    assert.equal(JSON.stringify(await underWay), '{"caller":"first"}');
    await client.close();
  });

  test('a half-written pair is not used, and told', async () => {
    await using files = await scene();
    const [first, second] = [named('first'), named('second')];
    await files.write(first);
    await writeFile(files.at('ca.crt'), ca.certPem);
    const identity = files.identity();
    const before = await identity.current();
    await writeFile(files.at('tls.crt'), second.certPem);
    files.later();
    assert.equal(await identity.current(), before);
    files.later();
    assert.equal(await identity.current(), before);
    assert.match(files.problems[0]?.message ?? '', /the key is not that of the certificate/);
    assert.equal(files.problems.length, 1);
    await writeFile(files.at('tls.key'), second.keyPem);
    files.later();
    assert.equal((await identity.current()).cert, second.certPem);
    files.later();
    assert.equal((await identity.current()).cert, second.certPem);
    assert.equal(files.problems.length, 1);
  });

  test('links that Kubernetes swaps are followed, and a trust bundle that changes is trusted', async () => {
    await using files = await scene();
    const next = createTestAuthority('next-CA');
    for (const [name, authority] of [
      ['..1', ca],
      ['..2', next],
    ] as const) {
      const { certPem, keyPem } = authority.issue({ subject: [{ CN: name }] });
      await Promise.all([
        writeFile(files.at(`crt${name}`), certPem),
        writeFile(files.at(`key${name}`), keyPem),
        writeFile(files.at(`ca${name}`), authority.certPem),
      ]);
    }
    const link = async (name: string) => {
      for (const [file, to] of [
        ['tls.crt', 'crt'],
        ['tls.key', 'key'],
        ['ca.crt', 'ca'],
      ] as const) {
        await symlink(files.at(`${to}${name}`), files.at(`new-${file}`));
        await rename(files.at(`new-${file}`), files.at(file));
      }
    };
    await link('..1');
    const identity = files.identity();
    assert.equal((await identity.current()).ca, ca.certPem);
    await link('..2');
    files.later();
    assert.equal((await identity.current()).ca, next.certPem);
  });
});
