/** What audit records say beyond the exchange, what is masked in them, and where they go. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { until } from '../support/until.ts';

async function recordOf(ingress: Ingress, headers: readonly string[], target = '/'): Promise<Record<string, unknown>> {
  const before = ingress.sidecar.audit.length;
  await ingress.send({ target, headers });
  await until(() => ingress.sidecar.audit.length > before);
  return ingress.sidecar.audit[before] as Record<string, unknown>;
}

describe('audit.enrichment.include_headers', () => {
  for (const name of ['Authorization', 'cookie', 'Set-Cookie', 'PROXY-AUTHORIZATION', 'X-Api-Key', 'X-Auth-Token']) {
    test(`never includes ${name}: the start is refused`, async () => {
      const chapters = `audit: { enrichment: { include_headers: [${name}] } }`;
      await assert.rejects(startIngress({ chapters }), /include_headers\[0\]: is a credential/);
    });
  }

  test('never includes the header that carries the token here: the start is refused', async () => {
    const chapters = 'audit: { enrichment: { include_headers: [x-token] } }';
    const proxy = '  auth: { header: X-Token }';
    await assert.rejects(startIngress({ chapters, proxy }), /include_headers\[0\]: is the header of the token/);
  });

  test('has what was received under these names, once or several times, and nothing without it', async () => {
    await using plain = await startIngress();
    assert.equal((await recordOf(plain, ['User-Agent', 'curl/8']))['headers'], undefined);
    const chapters = 'audit: { enrichment: { include_headers: [User-Agent, X-Request-Tag, X-Absent] } }';
    await using ingress = await startIngress({ chapters });
    const record = await recordOf(ingress, ['user-agent', 'curl/8', 'X-Request-Tag', 'a', 'X-Request-Tag', 'b']);
    assert.deepEqual(record['headers'], { 'User-Agent': 'curl/8', 'X-Request-Tag': ['a', 'b'] });
  });

  test('C-226 stays one line of at most 8 KiB, whatever is sent', async () => {
    const names = Array.from({ length: 32 }, (_, index) => `X-H${index}`);
    const chapters = `audit: { enrichment: { include_headers: [${names.join(', ')}] } }`;
    await using ingress = await startIngress({ chapters });
    const record = await recordOf(
      ingress,
      names.flatMap((name) => [name, `{"decision":"deny"}\t\x9b31m${'b'.repeat(1_500)}`]),
    );
    assert.equal(ingress.sidecar.lines.length, 1);
    assert.ok((ingress.sidecar.lines[0] ?? '').length <= 8 * 1024);
    assert.match(ingress.sidecar.lines[0] ?? '', /^[\u0020-\u007e]+$/);
    assert.deepEqual([record['decision'], record['truncated']], ['allow', true]);
  });
});

describe('audit.enrichment.mask_fields', () => {
  for (const field of ['decision', 'request_id', 'user_idd', 'user..name', '']) {
    test(`refuses the start for "${field}", which nobody may or can mask`, async () => {
      const chapters = `audit: { enrichment: { mask_fields: ["${field}"] } }`;
      await assert.rejects(startIngress({ chapters }), /mask_fields\[0\]: is none of reasons, path/);
    });
  }

  test('takes the values out of every record, and nothing else', async () => {
    const chapters = `audit:
  events: [request, access]
  enrichment:
    include_headers: [User-Agent]
    mask_fields: [user_id, user.name, user.sub, user_context, headers.User-Agent, token.client_id, policy_audit, resource]`;
    await using ingress = await startIngress({ chapters });
    const record = await recordOf(ingress, ['User-Agent', 'curl/8'], '/orders/7');
    await until(() => ingress.sidecar.audit.length === 2);
    const masked = '[masked]';
    const { user, token, headers } = record;
    assert.deepEqual([record['user_id'], record['user_context']], [masked, masked]);
    assert.deepEqual([user, headers], [{ sub: masked }, { 'User-Agent': masked }]);
    assert.equal((token as { client_id?: string }).client_id, masked);
    assert.deepEqual([record['path'], record['decision'], record['status']], ['/orders/7', 'allow', 200]);
    assert.deepEqual(
      ['event', 'resource', 'user_context'].map((name) => ingress.sidecar.audit[1]?.[name]),
      ['access', masked, masked],
    );
    assert.ok(!ingress.sidecar.lines.join('').includes('user-123'));
  });

  test('without it they are there', async () => {
    await using ingress = await startIngress();
    assert.equal((await recordOf(ingress, []))['user_id'], 'user-123');
  });
});

describe('audit.export.stdout.format', () => {
  test('an unknown one is refused', async () => {
    const chapters = 'audit: { export: { stdout: { format: xml } } }';
    await assert.rejects(startIngress({ chapters }), /stdout.format: must be json or logfmt/);
  });

  test('json is an object a line', async () => {
    await using ingress = await startIngress({ chapters: 'audit: { export: { stdout: { format: json } } }' });
    assert.equal((await recordOf(ingress, []))['decision'], 'allow');
  });

  test('logfmt is pairs a line, in which nothing ends a line or another pair', async () => {
    const written: string[] = [];
    await using ingress = await startIngress({
      chapters: 'audit: { export: { stdout: { format: logfmt } }, enrichment: { include_headers: [X-A] } }',
      beforeKeeping: (lines) => {
        written.push(lines);
        throw new Error('read here');
      },
    });
    await ingress.send({ headers: ['X-A', 'b decision=deny \x9b"x'] });
    await until(() => written.length > 0);
    const [line = ''] = written;
    assert.match(line, /^level=info time=\S+ service=order-service event=request direction=ingress decision=allow /);
    assert.ok(line.includes(String.raw`headers.X-A="b decision=deny \u009b\"x"`), line);
    assert.match(line, / user\.sub=user-123 /);
    assert.match(line, /^[\u0020-\u007e]+\n$/);
  });
});

describe('audit.export.file', () => {
  const FILE = (more: string): string =>
    `audit: { mode: required, export: { stdout: { enabled: true }, file: { path: /audit.jsonl${more} } } }`;
  const filesOf = ({ sidecar }: Ingress): string[] =>
    readdirSync(sidecar.root)
      .filter((name) => name.startsWith('audit.jsonl'))
      .toSorted();
  const pathsIn = ({ sidecar }: Ingress, names: readonly string[]): string[] =>
    names.flatMap((name) =>
      readFileSync(path.join(sidecar.root, name), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { path: string }).path),
    );

  for (const [more, message] of [
    [', max_size: 10', /max_size: must be a string/],
    [', max_size: 10 MB', /max_size: is not a size from 4KiB to 1TiB/],
    [', max_size: 1KiB', /max_size: is not a size from 4KiB to 1TiB/],
    [', max_files: 3', /max_files: has no effect without max_size/],
    [', max_size: 4KiB, max_files: 0', /max_files: must be at least 1/],
  ] as const) {
    test(`{ ${more.slice(2)} } is refused`, () => assert.rejects(startIngress({ chapters: FILE(more) }), message));
  }

  async function send(ingress: Ingress, count: number): Promise<string[]> {
    const targets = Array.from({ length: count }, (_, index) => `/${index}`);
    for (const target of targets) assert.equal((await ingress.send({ target })).status, 200);
    return targets;
  }

  test('without max_size one file has all of them', async () => {
    await using ingress = await startIngress({ chapters: FILE('') });
    const sent = await send(ingress, 30);
    assert.deepEqual(filesOf(ingress), ['audit.jsonl']);
    assert.deepEqual(pathsIn(ingress, filesOf(ingress)), sent);
  });

  test('with max_size a full file is put aside, and every record is in one of them exactly once, in its order', async () => {
    await using ingress = await startIngress({ chapters: FILE(', max_size: 4KiB') });
    const sent = await send(ingress, 60);
    const [open = '', ...aside] = filesOf(ingress);
    assert.ok(aside.length >= 3, `${aside.length} files`);
    for (const name of [open, ...aside]) {
      assert.ok(readFileSync(path.join(ingress.sidecar.root, name)).length <= 4 * 1024, name);
    }
    assert.deepEqual(pathsIn(ingress, [...aside, open]), sent);
  });

  test('max_files keeps so many aside, the latest', async () => {
    await using ingress = await startIngress({ chapters: FILE(', max_size: 4KiB, max_files: 2') });
    const sent = await send(ingress, 60);
    const [open = '', ...aside] = filesOf(ingress);
    assert.equal(aside.length, 2);
    const kept = pathsIn(ingress, [...aside, open]);
    assert.deepEqual(kept, sent.slice(-kept.length));
  });

  test('max_files takes nothing away that only begins with the same name', async () => {
    await using ingress = await startIngress({
      chapters: FILE(', max_size: 4KiB, max_files: 1'),
      files: { '/audit.jsonl.old': 'kept', '/audit.jsonl-2025': 'kept' },
    });
    await send(ingress, 40);
    for (const name of ['audit.jsonl.old', 'audit.jsonl-2025']) {
      assert.equal(readFileSync(path.join(ingress.sidecar.root, name), 'utf8'), 'kept');
    }
  });

  test('a file that cannot be put aside is written on, so that nothing is lost, and the log says so', async () => {
    // Its name is as long as a name may be, so that no other one can be made of it.
    const name = 'a'.repeat(250);
    const chapters = `audit: { export: { file: { path: /${name}, max_size: 4KiB } } }`;
    await using ingress = await startIngress({ chapters });
    const sent = await send(ingress, 30);
    assert.deepEqual(pathsIn(ingress, [name]), sent);
    assert.match(ingress.sidecar.log(), /an audit file could not be put aside/);
  });

  test('is begun anew when another program has put it aside', async () => {
    await using ingress = await startIngress({ chapters: FILE(', max_size: 1MiB') });
    await send(ingress, 2);
    renameSync(path.join(ingress.sidecar.root, 'audit.jsonl'), path.join(ingress.sidecar.root, 'audit.jsonl.theirs'));
    await send(ingress, 3);
    assert.ok(existsSync(path.join(ingress.sidecar.root, 'audit.jsonl')));
    assert.equal(pathsIn(ingress, ['audit.jsonl.theirs']).length, 2);
    assert.equal(pathsIn(ingress, ['audit.jsonl']).length, 3);
  });
});

test('with audit.enabled false exchanges are answered without a record, with true each has one', async () => {
  for (const [enabled, records] of [
    [false, 0],
    [true, 2],
  ] as const) {
    await using ingress = await startIngress({ chapters: `audit: { enabled: ${enabled} }` });
    assert.equal((await ingress.send()).status, 200);
    assert.equal((await ingress.send({ headers: ['Authorization', 'Bearer x'] })).status, 401);
    await until(() => ingress.sidecar.audit.length === 2, enabled ? 3_000 : 100);
    assert.equal(ingress.sidecar.audit.length, records);
  }
});
