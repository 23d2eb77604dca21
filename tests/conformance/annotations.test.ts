/** METADATA blocks: what rules learn about themselves, and OPA's words for blocks that say nothing or the wrong thing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CompileOptions, compile, toJson } from '@sidegate/rego';

function findings(text: string, options: CompileOptions = {}): string[] {
  const result = compile([{ file: 'm.rego', text }], options);
  if (result.ok) return [];
  return result.diagnostics.map(({ code, message, location: { row, col } }) => `${row}:${col} ${code}: ${message}`);
}

function answer(reference: string, ...texts: readonly string[]): unknown {
  const modules = texts.map((text, i) => ({ file: `${i}.rego`, text }));
  const result = compile(modules);
  assert.ok(result.ok, result.ok ? '' : result.diagnostics.map(({ message }) => message).join());
  const value = result.policy.prepare(reference)({});
  assert.ok(value !== undefined);
  return JSON.parse(toJson(value));
}

const ASK = 'x := rego.metadata.rule()';
const REFUSED: readonly (readonly [block: string, ...findings: string[]])[] = [
  ['# METADATA', '2:1 rego_parse_error: expected METADATA block, found whitespace'],
  ['# METADATA\n# title: "a', '3:1 rego_parse_error: yaml: line 2: found unexpected end of stream'],
  ['# METADATA\n# custom:\n#   b: *y', "3:1 rego_parse_error: yaml: unknown anchor 'y' referenced"],
  [
    '# METADATA\n# scope: foo',
    "2:1 rego_parse_error: invalid annotation scope 'foo'. Use one of 'rule', 'document', 'package', or 'subpackages'",
  ],
  [
    '# METADATA\n# scope: package',
    "2:1 rego_parse_error: annotation scope 'package' must be applied to package (have rule)",
  ],
  [
    '# METADATA\n# title: a\nimport data.x',
    "2:1 rego_parse_error: invalid annotation scope 'import'. Use one of 'rule', 'document', 'package', or 'subpackages'",
  ],
  [
    '# METADATA\n# authors:\n# - 3',
    '2:1 rego_parse_error: invalid author definition %!s(int=3): invalid value type, must be string or map',
  ],
  [
    '# METADATA\n# authors:\n# - name: ""',
    "2:1 rego_parse_error: invalid author definition map[name:]: 'name' and/or 'email' values required in object",
  ],
  [
    '# METADATA\n# related_resources:\n# - desc: x',
    "2:1 rego_parse_error: invalid related-resource definition map[desc:x]: 'ref' value required in object",
  ],
  [
    "# METADATA\n# related_resources:\n# - ''",
    '2:1 rego_parse_error: invalid related-resource definition : ref URL may not be empty string',
  ],
  [
    '# METADATA\n# entrypoint: true\n# scope: rule',
    "2:1 rego_parse_error: annotation entrypoint applied to non-document or package scope 'rule'",
  ],
  [
    '# METADATA\n# title: t\n# organizations: x',
    '4:1 rego_parse_error: yaml: unmarshal errors:\n  line 2: cannot unmarshal !!str `x` into []string',
  ],
  [
    '# METADATA\n# title: a\n# title: b',
    '4:1 rego_parse_error: yaml: unmarshal errors:\n  line 2: mapping key "title" already defined at line 1',
  ],
  [
    '# METADATA\n# title:\n#   - x\n# scope: [a]',
    '5:1 rego_parse_error: yaml: unmarshal errors:\n  line 2: cannot unmarshal !!seq into string\n  line 3: cannot unmarshal !!seq into string',
  ],
  [
    '# METADATA\n# entrypoint: "true"',
    '3:1 rego_parse_error: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `true` into bool',
  ],
  [
    '# METADATA\n# organizations: [1, [a]]',
    '3:1 rego_parse_error: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string',
  ],
  [
    '# METADATA\n# 5',
    '3:1 rego_parse_error: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!int `5` into ast.rawAnnotation',
  ],
  [
    '# METADATA\n# - a',
    '3:1 rego_parse_error: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into ast.rawAnnotation',
  ],
];

describe('METADATA blocks', () => {
  for (const [block, ...expected] of REFUSED) {
    it(`${JSON.stringify(block)} is refused`, () => {
      const found = findings(`package p\n${block}\n${ASK}`);
      assert.equal(found.length, expected.length);
      for (const [i, text] of expected.entries()) assert.equal(found[i]?.slice(0, text.length), text);
    });
  }

  it('are refused when two of them speak for one document', () => {
    const document = (value: number): string => `# METADATA\n# scope: document\ny := ${value}`;
    assert.deepEqual(findings(`package p\n${document(1)}\n${document(1)}\n${ASK}`), [
      '5:1 rego_type_error: document annotation redeclared: m.rego:2',
    ]);
  });

  it('are read only when a rule asks, or under strict', () => {
    const text = 'package p\n# METADATA\n# scope: foo\ny := 1';
    assert.deepEqual(findings(text), []);
    assert.equal(findings(text, { strict: true }).length, 1);
  });

  it('tell a rule about itself', () => {
    const block = [
      '# METADATA',
      '# title: 1.50',
      '# description: Two',
      '# authors:',
      '# - Jane Doe <jane@example.com>',
      '# - email: john@example.com',
      '# organizations: [a, null, 2.50]',
      '# related_resources:',
      '# - https://example.com',
      '# - ref: https://example.org',
      '#   description: more',
      '# custom:',
      '#   level: 3',
    ];
    assert.deepEqual(answer('data.p.x', ['package p', ...block, ASK].join('\n')), {
      scope: 'rule',
      title: '1.50',
      description: 'Two',
      authors: [{ name: 'Jane Doe', email: 'jane@example.com' }, { email: 'john@example.com' }],
      organizations: ['a', '2.50'],
      related_resources: [{ ref: 'https://example.com' }, { ref: 'https://example.org', description: 'more' }],
      custom: { level: 3 },
    });
    assert.deepEqual(answer('data.p.x', `package p\n${ASK}`), {});
  });

  it('chain from the rule to the farthest package', () => {
    const outer = '# METADATA\n# scope: subpackages\n# title: outer\npackage a';
    const inner = [
      '# METADATA\n# title: inner\npackage a.b\n',
      '# METADATA\n# entrypoint: true\ny := z if z := 1\n',
      '# METADATA\n# title: far\n\n# METADATA\n# title: near\ny := z if { z := rego.metadata.chain() }',
    ].join('\n');
    assert.throws(() => answer('data.a.b.y', outer, inner), /conflict/);
    assert.deepEqual(answer('data.a.b.y', outer, inner.replace('y := z if z := 1', 'y := z if { z := 1; false }')), [
      { annotations: { scope: 'rule', title: 'near' }, path: ['a', 'b', 'y'] },
      { annotations: { scope: 'rule', title: 'far' }, path: ['a', 'b', 'y'] },
      { annotations: { scope: 'document', entrypoint: true }, path: ['a', 'b', 'y'] },
      { annotations: { scope: 'package', title: 'inner' }, path: ['a', 'b'] },
      { annotations: { scope: 'subpackages', title: 'outer' }, path: ['a'] },
    ]);
  });

  it('have nothing to say outside a rule', () => {
    const result = compile([]);
    assert.ok(result.ok);
    const query = result.policy.query('rego.metadata.chain() = x');
    assert.ok(query.ok);
    assert.throws(
      () => query.evaluate({}, { strictBuiltinErrors: true }),
      /the rego\.metadata\.chain function must only be called within the scope of a rule/,
    );
  });
});
