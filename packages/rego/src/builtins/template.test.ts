import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answer, testContext } from '../../../../tests/support/rego-context.ts';
import { objectFromEntries } from '../value/object.ts';
import { setFrom } from '../value/set.ts';
import type { Value } from '../value/value.ts';

const VARS: Value = { a: '<x>', n: 1, f: 1.5, xs: ['p', 'q'], o: { k: 1, a: 2 }, e: [], nil: null };
const render = (template: string) => answer('strings.render_template', [template, VARS]);

describe('strings.render_template', () => {
  const refused: readonly (readonly [template: string, message: RegExp])[] = [
    ['{{.a', /unclosed action/],
    ['{{.a}', /bad character U\+007D '}'/],
    ['{{if .a}}', /unexpected EOF/],
    ['{{end}}', /unexpected \{\{end}}/],
    ['{{foo .a}}', /function "foo" not defined/],
    ['{{template "x"}}', /template "x" not defined/],
    ['{{define "t"}}{{template "t"}}{{end}}{{template "t"}}', /exceeded maximum template depth/],
    ['{{}}', /missing value for command/],
    ['{{..a}}', /unexpected \. after term "\."/],
    ['{{99999999999999999999}}', /integer overflow: "99999999999999999999"/],
    ['{{eq 1 1.0}}', /incompatible types for comparison: int and float64/],
    ['{{slice .xs 0 9}}', /index out of range: 9/],
    ['{{eq .n 1}}', /incompatible types for comparison: json\.Number and int/],
    ['{{.a.b}}', /can't evaluate field b in type string/],
    ['{{.nil.b}}', /nil pointer evaluating/],
    ['{{index .xs 2}}', /index out of range: 2/],
    ['{{range .a}}{{end}}', /range can't iterate over <x>/],
    ['{{$y}}', /undefined variable "\$y"/],
    ['{{if .e}}{{$y}}{{end}}', /undefined variable "\$y"/],
    ['{{if $x := .a}}{{end}}{{$x}}', /undefined variable "\$x"/],
    ['{{$x := 1}}{{define "t"}}{{$x}}{{end}}', /undefined variable "\$x"/],
    ['{{$y = 1}}', /undefined variable "\$y"/],
    ['{{break}}', /\{\{break}} outside \{\{range}}/],
    ['{{range .xs}}{{define "t"}}{{continue}}{{end}}{{end}}', /\{\{continue}} outside|unexpected \{\{define}}/],
    ['{{if .e}}{{1 | 2}}{{end}}', /non executable command in pipeline stage 2/],
    ['{{if}}{{end}}', /missing value for if/],
    ['{{and}}', /wrong number of args for and/],
    ['{{nil}}', /nil is not a command/],
    ['{{printf 1}}', /expected string; found 1/],
    [`{{${'('.repeat(1000)}`, /max expression depth exceeded|unclosed action/],
    ['{{if .a}}'.repeat(1000), /max template nesting exceeded/],
  ];
  for (const [template, message] of refused) {
    test(`${template.slice(0, 30)} is an error`, () => {
      const result = render(template);
      assert.ok(typeof result === 'object' && result !== null && 'refusal' in result);
      assert.match(result.refusal as string, /^eval_builtin_error: template: template:/);
      assert.match(result.refusal as string, message);
    });
  }

  test('variables that no JSON can say are refused in the words of JSON', () => {
    const cases: readonly (readonly [variable: Value, message: string])[] = [
      [setFrom([1, 2]), "invalid character '1' looking for beginning of object key string"],
      [[setFrom([])], "invalid character 's' looking for beginning of value"],
      [objectFromEntries([[1, 'one']]), "invalid character '1' looking for beginning of object key string"],
    ];
    for (const [variable, message] of cases) {
      assert.deepEqual(answer('strings.render_template', ['', { variable }]), {
        refusal: `eval_builtin_error: ${message}`,
      });
    }
  });

  const rendered: readonly (readonly [template: string, text: string])[] = [
    ['a{{/* no */}}b', 'ab'],
    ['{{.n}} {{.f}} {{.o}} {{.xs}}', '1 1.5 map[a:2 k:1] [p q]'],
    ['{{.missing}} {{.nil}}', '<undefined> <undefined>'],
    ['{{range $i, $x := .xs}}{{$i}}{{$x}}{{end}}{{range .e}}x{{else}}none{{end}}', '0p1qnone'],
    ['{{range .xs}}{{if eq . "q"}}{{break}}{{end}}{{.}}{{end}}', 'p'],
    ['{{with .o}}{{.k}}{{else}}no{{end}} {{if not .e}}empty{{else if .a}}x{{end}}', '1 empty'],
    ['{{$x := 1}}{{$x}}{{$x = 2}}{{$x}}', '12'],
    ['a {{- " b " -}} c', 'a b c'],
    ['{{define "t"}}<{{.}}{{$}}>{{end}}{{template "t" .n}}{{block "b" .f}}{{.}}{{end}}', '<11>1.5'],
    ['{{index .a 0}} {{eq nil .missing}} {{"x"|}}', '60 true x'],
    ['{{printf "%v %s %T %d|%T" .nil .missing .n .n 2}}', '<nil> %!s(<nil>) json.Number %!d(json.Number=1)|int64'],
    ['{{0b101}} {{017}} {{1_000}} {{.5}} {{"\\x41\\u00fc"}}', '5 15 1000 0.5 A\u00fc'],
    ['{{print 1 2 "x" 3 4}}{{print .nil}}', '1 2x3 4<nil>'],
    ['{{.a | html}} {{printf "%q" .a}} {{len .xs}} {{and .n .e}} {{or .e .n}}', '&lt;x&gt; "<x>" 2 [] 1'],
  ];
  for (const [template, text] of rendered) {
    test(`${template} renders`, () => {
      assert.equal(render(template), text);
    });
  }

  test('what it does counts against the evaluation', () => {
    let steps = 1000;
    const context = testContext({
      spend: (count) => {
        steps -= count;
        if (steps < 0) throw new Error('out of steps');
      },
    });
    const loops = '{{range 1000}}{{range 1000}}x{{end}}{{end}}';
    assert.throws(() => answer('strings.render_template', [loops, VARS], context), new Error('out of steps'));
  });
});
