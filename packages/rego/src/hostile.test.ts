/** Policies and inputs that want to harm the evaluator or the code it generates. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BUILTINS, EXCLUDED } from './builtins/registry.ts';
import { type Compilation } from './compile/context.ts';
import { emitDocuments } from './compile/emit.ts';
import { lowerDocument } from './compile/lower.ts';
import { optimizeDocuments } from './compile/optimize.ts';
import { newCompilation, runPasses } from './compile/passes.ts';
import { compile, EvaluationError, type Policy, parseJson, type Value } from './index.ts';
import { parseModule } from './syntax/parse-module.ts';

function policy(text: string, limits = { steps: 200_000, milliseconds: 2_000 }): Policy {
  const result = compile([{ file: 'p.rego', text }], { limits });
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.diagnostics));
  return result.policy;
}

function value(text: string, input?: Value): Value | undefined {
  return policy(`package p\n${text}`).prepare('data.p.x')(input);
}

function compilation(text: string): Compilation {
  const module = parseModule('p.rego', text, 'v1');
  assert.ok(module.ok, JSON.stringify(module));
  const c = newCompilation([module.value], {
    builtins: BUILTINS,
    excluded: EXCLUDED,
    strict: false,
    printing: false,
  });
  assert.deepEqual(
    runPasses(c).map(({ message }) => message),
    [],
  );
  return c;
}

describe('inherited members', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']) {
    it(`input.${name} is undefined unless the input has it`, () => {
      assert.equal(value(`x := input.${name}`, {}), undefined);
      assert.equal(value(`x := input.${name}`, parseJson(`{"${name}": 1}`)), 1);
      assert.equal(value(`x := input.a.${name}`, { a: { b: 1 } }), undefined);
    });
  }

  it('what a process adds to every object is in no input', () => {
    const everywhere = Object.prototype as unknown as Record<string, unknown>;
    const policies = policy('package p\nx := input.zqxAdmin').prepare('data.p.x');
    assert.equal(policies({}), undefined);
    Object.defineProperty(everywhere, 'zqxAdmin', { value: true, configurable: true });
    try {
      assert.equal(policies({}), undefined);
      assert.equal(policies({ zqxAdmin: 1 }), 1);
    } finally {
      delete everywhere['zqxAdmin'];
    }
  });
});

describe('policy text and generated source', () => {
  const secrets = [
    'zqxKey',
    'zqxRule',
    'zqxVar',
    'zqxPackage',
    'zqxString',
    'zqxComment',
    'zqxImport',
    'zqxFunction',
    '424242',
  ];
  const text = `package zqxPackage["zqxKey');process.exit(1);//"]
import data.zqxImport["\`\${zqxKey}"] as zqxAlias
# zqxComment
zqxRule["zqxKey\\"]+process.exit()"] := {"zqxKey": "zqxString", "*/zqxKey": 424242, "__proto__": zqxAlias}
zqxFunction(zqxVar) := input.zqxKey["zqxString\\u2028"] if { zqxVar == 424242; data.zqxKey[zqxVar] }
zqxRule2 contains zqxVar if { some zqxVar in input["zqxKey"]; zqxFunction(zqxVar) with input.zqxKey as "zqxString" }
`;

  it('generated source never contains a name, key, string or number of the policy', () => {
    const c = compilation(text);
    const { source } = emitDocuments(
      c,
      optimizeDocuments(
        c,
        c.tree.documents.map((document) => lowerDocument(c, document)),
      ),
    );
    assert.ok(source.length > 500);
    for (const secret of secrets) assert.ok(!source.includes(secret), `${secret} is in the generated source`);
  });

  it('generated source has only keywords, generated names and the names of the runtime', () => {
    const c = compilation(text);
    const { source } = emitDocuments(
      c,
      optimizeDocuments(
        c,
        c.tree.documents.map((document) => lowerDocument(c, document)),
      ),
    );
    const [header = '', ...rest] = source.split('\n').slice(1);
    const runtime = new Set(header.match(/[A-Za-z]+/g));
    const keywords =
      'const let function return if else for break undefined true false null typeof number object new length push add done put isArray Array exhausted fuel query memo known input data mocks watched decidedBy evaluate try catch failed insert member kind path value name document builtin answers switch case';
    const known = new Set([...keywords.split(' '), ...runtime]);
    for (const word of rest
      .join('\n')
      .replaceAll(/"(?:use strict|number|object)"/g, '')
      .match(/[A-Za-z_$][\w$]*/g) ?? []) {
      assert.ok(known.has(word) || /^[A-Za-z]\d*$/.test(word), `unexpected word ${word}`);
    }
    assert.doesNotMatch(rest.join('\n').replaceAll(/"(?:number|object)"/g, ''), /["'`\\]/);
  });
});

describe('own properties only', () => {
  for (const key of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'length', '__defineGetter__']) {
    it(`input.${key} is undefined unless the input has it`, () => {
      assert.equal(value(`x if input.${key}`, {}), undefined);
      assert.equal(value(`x if input.a.${key}`, { a: [] }), undefined);
      assert.equal(value(`x if input.a.${key}`, { a: 'text' }), undefined);
      assert.equal(value(`x := input["${key}"]`, parseJson(`{"${key}": 7}`)), 7);
    });
    it(`an object may have the key ${key}`, () => {
      assert.equal(value(`y := {"${key}": 1}\nx := y["${key}"]`), 1);
      assert.equal(value(`y[k] := 2 if some k in ["${key}"]\nx := y["${key}"]`), 2);
    });
  }

  it('what an object of the input inherits is not there', () => {
    const heir = Object.create({ sub: 'inherited' }) as { sub: string };
    assert.equal(value('x := input.token.sub', { token: heir }), undefined);
    heir.sub = 'own';
    assert.equal(value('x := input.token.sub', { token: heir }), 'own');
  });

  it('a rule or package may be called constructor', () => {
    assert.equal(
      policy('package constructor.__proto__\nconstructor := 1\nx := constructor').prepare(
        'data.constructor.__proto__.x',
      )(undefined),
      1,
    );
  });
});

describe('runaway evaluation', () => {
  const cancelled = (error: unknown): boolean => error instanceof EvaluationError && error.code === 'eval_cancel_error';
  const digits = '[0,1,2,3,4,5,6,7,8,9]';
  const rows: readonly (readonly [title: string, text: string])[] = [
    [
      'nested scans',
      `d := ${digits}\nx if { a := d[_]; b := d[_]; c := d[_]; e := d[_]; f := d[_]; g := d[_]; h := d[_]; a+b+c+e+f+g+h == 1000 }`,
    ],
    ['a comprehension', `d := ${digits}\nx := count([1 | d[_]; d[_]; d[_]; d[_]; d[_]; d[_]; d[_]])`],
    [
      'an every',
      `d := ${digits}\nx if every a in d { every b in d { every c in d { every e in d { every f in d { every g in d { a + b + c + e + f + g >= 0 } } } } } }`,
    ],
    [
      'calls that double',
      `f0(x) := x\n${Array.from({ length: 30 }, (_, i) => `f${i + 1}(x) := f${i}(x) + f${i}(x)`).join('\n')}\nx := f30(1)`,
    ],
    [
      'a partial set',
      `d := ${digits}\ny contains [a,b,c,e,f,g] if { a := d[_]; b := d[_]; c := d[_]; e := d[_]; f := d[_]; g := d[_] }\nx := count(y)`,
    ],
  ];
  for (const [title, text] of rows) {
    it(`C-225 ${title} ends in an error, not in an answer`, () => {
      assert.throws(() => value(text), cancelled);
    });
  }

  it('the time limit counts as well', () => {
    const text = `package p\nd := numbers.range(1, 10000)\nx if { d[_] + d[_] + d[_] == 0 }`;
    assert.throws(() => policy(text, { steps: 1e12, milliseconds: 20 }).prepare('data.p.x')(undefined), cancelled);
  });

  it('an input as deep as the stack is an error', () => {
    let deep: Value = 1;
    for (let i = 0; i < 200_000; i += 1) deep = [deep];
    assert.throws(() => value('x if input.a == input.b', { a: deep, b: [deep] }), EvaluationError);
    assert.throws(() => value('x := json.marshal(input)', deep), {
      message: 'p.rego:2: eval_cancel_error: json.marshal: value is too deep or too large',
    });
  });
});

describe('sources that are too much', () => {
  const refused: readonly (readonly [title: string, text: string])[] = [
    ['nested arrays', `x := ${'['.repeat(100_000)}`],
    ['nested sets', `x := ${'{'.repeat(50_000)}1`],
    ['nested parentheses', `x := ${'('.repeat(100_000)}1${')'.repeat(100_000)}`],
    ['nested comprehensions', `x := ${'{y|'.repeat(10_000)}`],
    ['nested calls', `x := ${'f('.repeat(50_000)}`],
    ['nested every', `x if ${'every a in b { '.repeat(10_000)}`],
    ['nested not', `import future.keywords.not\nx if ${'not { '.repeat(10_000)}`],
    ['nested groups', `import future.keywords.or\nx if ${'('.repeat(10_000)}`],
    ['nested templates', `x := ${'$"{'.repeat(10_000)}`],
    ['a huge exponent', 'x := 1e999999999'],
    ['a huge literal', `x := ${'9'.repeat(1_000_000)}`],
    ['an open string', 'x := "abc'],
    ['a NUL', 'x := \u0000'],
  ];
  for (const [title, text] of refused) {
    it(`${title}: refused with a position`, () => {
      const result = compile([{ file: 'p.rego', text: `package p\n${text}` }]);
      assert.ok(!result.ok);
      assert.equal(result.diagnostics[0]?.code, 'rego_parse_error');
      assert.ok((result.diagnostics[0]?.location.row ?? 0) >= 2);
    });
  }

  it('a long sum as a query is refused, and the policy still answers', () => {
    const p = policy('package p\nx := 1');
    assert.equal(p.query(`${'1+'.repeat(20_000)}1`).ok, false);
    assert.equal(p.query('data.p.x = 1').ok, true);
  });

  it('a long but flat policy compiles', () => {
    const rules = Array.from({ length: 2_000 }, (_, i) => `r${i} if input.a == ${i}`).join('\n');
    assert.equal(policy(`package p\n${rules}`).prepare('data.p.r7')({ a: 7 }), true);
  });

  it('a long sum compiles or is refused, and does not crash', () => {
    const result = compile([{ file: 'p.rego', text: `package p\nx := ${'1+'.repeat(20_000)}1` }]);
    assert.ok(result.ok ? result.policy.prepare('data.p.x')(undefined) === 20_001 : result.diagnostics.length > 0);
  });
});

describe('refused at load', () => {
  it('C-225 http.send', () => {
    const result = compile([
      {
        file: 'p.rego',
        text: 'package p\nallow if http.send({"method": "get", "url": "http://x"}).status_code == 200',
      },
    ]);
    assert.ok(!result.ok);
    assert.match(
      result.diagnostics[0]?.message ?? '',
      /^undefined function http\.send \(a decision must not call out\)$/,
    );
  });
});
