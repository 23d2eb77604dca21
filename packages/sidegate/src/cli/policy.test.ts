import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EXIT } from './exit-code.ts';
import { loadPolicy } from './policy-files.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../../../examples/three-zones/policies', import.meta.url));

interface Ran {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function sidegate(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--conditions=@sidegate/source', MAIN, ...args], (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

async function folder(files: Readonly<Record<string, string>>): Promise<AsyncDisposable & { readonly path: string }> {
  const directory = await mkdtempDisposable(path.join(tmpdir(), 'sidegate-policies-'));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(directory.path, name), text);
  return directory;
}

describe('sidegate policy check', () => {
  test('names every mistake of every file and exits 78', async () => {
    await using dir = await folder({ 'a.rego': 'package a\nx := y\nz := y', 'b_test.rego': 'package b\nx := w' });
    const { code, stderr, stdout } = await sidegate('policy', 'check', dir.path);
    assert.equal(code, EXIT.config);
    assert.equal(stdout, '');
    assert.match(stderr, /a\.rego:2:6: error: rego_unsafe_var_error: var y is unsafe/);
    assert.match(stderr, /b_test\.rego:2:6: error: rego_unsafe_var_error: var w is unsafe/);
    const asJson = await sidegate('policy', 'check', dir.path, '--json');
    assert.equal(asJson.code, EXIT.config);
    const { ok, findings } = JSON.parse(asJson.stdout) as { ok: boolean; findings: { line: number; column: number }[] };
    assert.equal(ok, false);
    assert.ok(findings.some(({ line, column }) => line === 2 && column === 6));
  });

  test('a folder that is not there, or has no policy, is a finding', async () => {
    await using dir = await folder({});
    for (const where of [path.join(dir.path, 'nowhere'), dir.path]) {
      const { code, stderr } = await sidegate('policy', 'check', where);
      assert.equal(code, EXIT.config);
      assert.match(stderr, /error: (?:cannot be read \(ENOENT\)|has no policy)/);
    }
  });

  test('S3-190 the policies that ship are sound, tests included', async () => {
    const { code, stdout } = await sidegate('policy', 'check', EXAMPLES);
    assert.deepEqual([code, stdout], [EXIT.ok, '8 policy files are sound\n']);
  });
});

describe('sidegate policy test', () => {
  test('a failing test exits 1 and is named with its place', async () => {
    await using dir = await folder({ 'a_test.rego': 'package a_test\ntest_no if false\ntest_yes if true' });
    const { code, stdout } = await sidegate('policy', 'test', dir.path);
    assert.equal(code, EXIT.failed);
    assert.match(
      stdout,
      /a_test\.rego:2:\ndata\.a_test\.test_no: FAIL \(.*\)\n(?: {2}.*\n)*-+\nPASS: 1\/2\nFAIL: 1\/2\n$/,
    );
    const one = await sidegate('policy', 'test', dir.path, '--run', 'yes$', '--verbose');
    assert.equal(one.code, EXIT.ok);
    assert.match(one.stdout, /test_yes: PASS/);
  });

  test('a test that takes too long is an error, and a wrong duration exits 64', async () => {
    const loop = 'package a_test\nn := numbers.range(1, 5000)\ntest_loop if { n[_] + n[_] + n[_] == 0 }';
    await using dir = await folder({ 'a_test.rego': loop });
    const { code, stdout } = await sidegate('policy', 'test', dir.path, '--timeout', '50ms');
    assert.equal(code, EXIT.failed);
    assert.match(stdout, /test_loop: ERROR \(.*\)\n {2}.*eval_cancel_error: /);
    assert.equal((await sidegate('policy', 'test', dir.path, '--timeout', 'soon')).code, EXIT.usage);
  });

  test('no test at all is no success', async () => {
    await using dir = await folder({ 'a.rego': 'package a\nx := 1' });
    const { code, stdout } = await sidegate('policy', 'test', dir.path);
    assert.deepEqual([code, stdout], [EXIT.failed, 'no test was found\n']);
  });

  test('a wrong policy exits 78, a wrong option 64', async () => {
    await using dir = await folder({ 'a.rego': 'package a\nx := y' });
    assert.equal((await sidegate('policy', 'test', dir.path)).code, EXIT.config);
    assert.equal((await sidegate('policy', 'test', dir.path, '--threshold', '101')).code, EXIT.usage);
    assert.equal((await sidegate('policy', 'test', dir.path, '--run', '(')).code, EXIT.usage);
  });

  test('too little coverage exits 1 and says what no test reaches', async () => {
    const files = {
      'a.rego': 'package a\nx if input.a\ny if input.b',
      'a_test.rego': 'package a\ntest_x if x with input.a as 1',
    };
    await using dir = await folder(files);
    const { code, stdout } = await sidegate('policy', 'test', dir.path, '--threshold', '90');
    assert.equal(code, EXIT.failed);
    assert.match(stdout, /^PASS: 1\/1\ncoverage: 66\.6 % of lines\n {2}.*a\.rego: 50 %, not reached: 3:1, 3:6\n$/);
    const report = await sidegate('policy', 'test', dir.path, '--coverage', '--json');
    assert.equal(report.code, EXIT.ok);
    assert.equal((JSON.parse(report.stdout) as { covered_lines: number }).covered_lines, 2);
  });
});

describe('sidegate policy eval', () => {
  const files = {
    'a.rego': 'package a\nallow if input.n > data.least\nboth := 1 if input.n\nboth := 2 if input.n',
    'data.yaml': 'least: 3',
    'input.txt': '{"n": 4}',
  };

  test('wrong queries and options exit 64, wrong files and failed evaluations 78, each with its place', async () => {
    await using dir = await folder({ ...files, 'bad.txt': '{"n": }' });
    const wrong = async (...args: readonly string[]): Promise<readonly [Ran['code'], string]> => {
      const { code, stderr } = await sidegate('policy', 'eval', ...args);
      return [code, stderr.replaceAll(`${dir.path}/`, '')];
    };
    const input = (name: string): readonly string[] => ['--input', path.join(dir.path, name)];
    assert.deepEqual(await wrong('1 +'), [EXIT.usage, 'query:1:3: error: rego_parse_error: unexpected eof token\n']);
    const both = await wrong('1', '--fail', '--fail-defined');
    assert.deepEqual([both[0], /cannot be used with/.test(both[1])], [EXIT.usage, true]);
    assert.equal((await wrong('1', '--format', 'yaml'))[0], EXIT.usage);
    assert.match(
      (await wrong('1', '-d', path.join(dir.path, 'nowhere')))[1],
      /^nowhere: error: cannot be read \(ENOENT\)/,
    );
    const bad = await wrong('input', ...input('bad.txt'));
    assert.equal(bad[0], EXIT.config);
    assert.match(bad[1], /^bad\.txt:1:7: error: cannot be read: invalid character/);
    const conflict = await wrong('data.a.both', '-d', dir.path, ...input('input.txt'));
    assert.equal(conflict[0], EXIT.config);
    assert.match(conflict[1], /^a\.rego:\d+:\d+: error: eval_conflict_error: /);
  });

  test('answers with policies, data and input, in each format', async () => {
    await using dir = await folder(files);
    const ask = async (...args: readonly string[]): Promise<string> => {
      const place = ['-d', dir.path, '--input', path.join(dir.path, 'input.txt')];
      const { code, stdout } = await sidegate('policy', 'eval', ...place, ...args);
      assert.equal(code, EXIT.ok);
      return stdout;
    };
    assert.equal(await ask('data.a.allow'), 'true\n');
    assert.equal(await ask('data.a.nope'), 'undefined\n');
    assert.equal(
      await ask('x := data.least; "é<"'),
      '┌──────┬───┐\n│ "é<" │ x │\n├──────┼───┤\n│ "é<" │ 3 │\n└──────┴───┘\n',
    );
    assert.equal(await ask('some x in [1, "a"]; x', '--format', 'raw'), 'true 1\ntrue a\n');
    assert.deepEqual(JSON.parse(await ask('x := data.least', '--format', 'json')), {
      result: [
        {
          expressions: [{ value: true, text: 'x := data.least', location: { row: 1, col: 1 } }],
          bindings: { x: 3 },
        },
      ],
    });
  });

  test('--fail and --fail-defined decide by whether there is an answer, and false is one', async () => {
    const codes = await Promise.all(
      [
        ['--fail', 'input.x'],
        ['--fail', 'false'],
        ['--fail-defined', 'input.x'],
        ['--fail-defined', 'false'],
      ].map(async (args) => (await sidegate('policy', 'eval', ...args)).code),
    );
    assert.deepEqual(codes, [EXIT.failed, EXIT.ok, EXIT.ok, EXIT.failed]);
  });
});

describe('sidegate policy decide', () => {
  test('a denial exits 1, an allow 0 with the rule that decided; no place and no rule are told', async () => {
    await using dir = await folder({
      'a.rego': 'package a\nallow if input.n > 3',
      'no.txt': '{}',
      'yes.txt': '{"n": 4}',
    });
    const decide = (query: string, input: string): Promise<Ran> =>
      sidegate('policy', 'decide', query, '--policies', dir.path, '--input', path.join(dir.path, input));
    const denied = await decide('data.a.allow', 'no.txt');
    assert.deepEqual(
      [denied.code, denied.stdout],
      [EXIT.failed, 'deny (policy_undefined)\n  reason  the policy is undefined\n'],
    );
    const allowed = await decide('data.a.allow', 'yes.txt');
    assert.deepEqual([allowed.code, allowed.stdout], [EXIT.ok, 'allow\n  rule    a.rego:2\n']);
    assert.equal((await decide('data.a.allow +', 'yes.txt')).code, EXIT.usage);
    const unknown = await decide('data.a.nope', 'yes.txt');
    assert.deepEqual([unknown.code, /has no rule data\.a\.nope/.test(unknown.stderr)], [EXIT.config, true]);
    const nowhere = await sidegate('policy', 'decide', 'data.a.allow');
    assert.deepEqual([nowhere.code, /--policies/.test(nowhere.stderr)], [EXIT.usage, true]);
  });
});

describe('sidegate policy explain', () => {
  const files = {
    'a.rego': 'package a\ndefault allow := false\nallow if {\n\tinput.n > 3\n}',
    'input.json': '{"n": 1}',
  };

  test('a denial exits 1, names the literal with its place and the change that would allow', async () => {
    await using dir = await folder(files);
    const args = [
      'policy',
      'explain',
      'data.a.allow',
      '--policies',
      dir.path,
      '--input',
      path.join(dir.path, 'input.json'),
    ];
    const { code, stdout } = await sidegate(...args);
    assert.equal(code, EXIT.failed);
    assert.match(stdout, /^data\.a\.allow is false\n/);
    assert.match(stdout, /a\.rego:4:2 fails: input\.n > 3\n +input\.n is 1\n/);
    assert.match(stdout, /It would be true after this change of the input:\n {2}set input\.n to 4 \(it is 1\)\n$/);
    const asJson = await sidegate(...args, '--json');
    assert.equal(asJson.code, EXIT.failed);
    const { value, change } = JSON.parse(asJson.stdout) as { value: unknown; change: { edits: unknown } };
    assert.deepEqual([value, change.edits], [false, [{ kind: 'set', path: ['n'], value: 4 }]]);
  });

  test('an allow exits 0; a wrong query 64; an input that is no JSON 78', async () => {
    await using dir = await folder({ ...files, 'good.txt': '{"n": 9}', 'bad.txt': '{' });
    const explain = (query: string, input: string): Promise<Ran> =>
      sidegate('policy', 'explain', query, '--policies', dir.path, '--input', path.join(dir.path, input));
    assert.equal((await explain('data.a.allow', 'good.txt')).code, EXIT.ok);
    const wrong = await explain('data.a.allow +', 'good.txt');
    assert.deepEqual([wrong.code, wrong.stdout], [EXIT.usage, '']);
    const unread = await explain('data.a.allow', 'bad.txt');
    assert.equal(unread.code, EXIT.config);
    assert.match(unread.stderr, /bad\.txt:1:2: error: cannot be read/);
  });
});

describe('sidegate policy bench', () => {
  test('measures both backends; a wrong query exits 64, a wrong policy 78', async () => {
    await using dir = await folder({
      'a.rego': 'package a\nallow if input.n > 3',
      'input.json': '{"n": 4}',
      'z.rego.txt': '',
    });
    const input = path.join(dir.path, 'input.json');
    const bench = (query: string, ...more: string[]): Promise<Ran> =>
      sidegate('policy', 'bench', query, '--policies', dir.path, '--input', input, '--runs', '3', ...more);
    const { code, stdout } = await bench('data.a.allow', '--json');
    assert.equal(code, EXIT.ok);
    const { measured } = JSON.parse(stdout) as { measured: { backend: string; medianNanoseconds: number }[] };
    assert.deepEqual(
      measured.map(({ backend }) => backend),
      ['generated', 'closures'],
    );
    assert.ok(measured.every(({ medianNanoseconds }) => medianNanoseconds > 0));
    assert.equal((await bench('data.a.allow[')).code, EXIT.usage);
    await writeFile(path.join(dir.path, 'wrong.rego'), 'package b\nx := y');
    assert.equal((await bench('data.a.allow')).code, EXIT.config);
  });
});

/** Each case of the Rego tests that ship is a test here. */
describe('the tests of the policies that ship', () => {
  const loaded = loadPolicy({ policies: [EXAMPLES], tests: true });
  const report = loaded.ok ? loaded.policy.test({ coverage: true }) : undefined;
  const cases = (report?.results ?? []).flatMap(({ package: name, cases: named, ...result }) =>
    named.length === 0
      ? [{ name: `${name}.${result.name}`, outcome: result.outcome }]
      : named.map((each) => ({ ...each, name: `${name}: ${each.name}` })),
  );
  for (const { name, outcome } of cases) test(name, () => assert.equal(outcome, 'pass'));

  test('S3-191 S3-192 S3-193 S3-194 S3-195 S3-196 S3-197 every case of the user-facing policies is there', () => {
    for (const name of ['gateway', 'order', 'payment']) {
      for (const wanted of ['refused', 'allowed']) {
        const found = report?.results.find(
          (each) => each.package === `data.${name}_test` && each.name === `test_${wanted}`,
        );
        assert.ok((found?.cases.length ?? 0) >= 2, `${name} ${wanted}`);
      }
    }
  });

  test('S3-198 S3-199 S3-200 S3-201 S3-202 every case of the data zone is there', () => {
    const ids = new Set(cases.map(({ name }) => /S3-\d+/.exec(name)?.[0]));
    for (const id of ['S3-198', 'S3-199', 'S3-200', 'S3-201', 'S3-202']) assert.ok(ids.has(id), id);
  });

  test('they reach every line of the policies', () => {
    const missed = Object.entries(report?.coverage?.files ?? {}).filter(
      ([, { not_covered }]) => not_covered.length > 0,
    );
    assert.deepEqual(missed, []);
    assert.ok((report?.coverage?.covered_lines ?? 0) > 100);
  });
});
