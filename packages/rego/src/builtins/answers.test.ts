/** Answers of OPA 1.22 to calls whose details are easily got wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer } from '../../../../tests/support/rego-context.ts';
import { parseJson, toPlainJson } from '../value/json.ts';
import type { Value } from '../value/value.ts';

const NS = '1763776800123456789';
const answers: readonly (readonly [name: string, args: string, json: string])[] = [
  ['sprintf', '["%d %s %t", ["a", 5, 1.5]]', '"%!d(string=a) %!s(int64=5) %!t(float64=1.5)"'],
  ['sprintf', '["x", [5, "b"]]', '"x%!(EXTRA int64=5, string=b)"'],
  ['sprintf', '["%v %s", [{"a": [1, "x"]}, null]]', '"{\\"a\\": [1, \\"x\\"]} null"'],
  ['sprintf', '["%5t|%-8s|%08s", ["a", "b", "c"]]', '"%!t(string=    a)|b       |0000000c"'],
  [
    'sprintf',
    '["%6.2f|%+.1e|%08.3f|%g|%G", [3.14159, 12345.678, -3.14159, 1e-7, 1e21]]',
    '"  3.14|+1.2e+04|-003.142|1e-07|1E+21"',
  ],
  ['sprintf', '["%x|%X|%b", [1.5, 2.5, 3.5]]', '"0x1.8p+00|0X1.4P+01|7881299347898368p-51"'],
  ['sprintf', '["%[3]d %[1]d %d %[5]d", [1, 2, 3]]', '"3 1 2 %!d(BADINDEX)"'],
  ['sprintf', '["%d%", [1]]', '"1%!(NOVERB)"'],
  ['sprintf', '["%v %v", [1.0, 18446744073709551617]]', '"1 18446744073709551617"'],
  ['sprintf', '["%+v|%#v|%+d|%#012x|%#o|%O", [1, "a", 2, 1, 0, 8]]', '"1|\\"a\\"|+2|0x000000000001|0|0o10"'],
  [
    'sprintf',
    '["%.2x|%+q|%U|%[1].2f", [0.1, "\\u00fc", -1]]',
    '"0x1.9ap-04|\\"\\\\u00fc\\"|U+FFFFFFFFFFFFFFFF|%!f(BADINDEX)"',
  ],
  ['ceil', '[-0.5]', '1'],
  ['floor', '[-0.5]', '0'],
  ['max', '[[3, 3.0]]', '3.0'],
  ['format_int', '[1e30, 10]', '"1000000000000000000024696061952"'],
  ['to_number', '["1_000"]', '1000'],
  ['to_number', '["0x10p0"]', '16'],
  ['upper', '["\\u1fb3"]', '"ᾼ"'],
  ['substring', '["ab", 9223372036854775807, 1]', '""'],
  ['strings.replace_n', '[{"": "2", "a": "3"}, "ab"]', '"232b2"'],
  ['regex.match', '["(?P<n>a)(?P<n>b)", "ab"]', 'true'],
  ['regex.replace', '["ab", "a", "<$\\u00fc>"]', '"<>b"'],
  ['graph.reachable_paths', '[{"a": ["a", "b"], "b": []}, ["a"]]', '[["a","a"],["a","a","b"],["a","b"]]'],
  ['json.patch', '[{"a": null}, [{"op": "copy", "from": "/a", "path": "/b"}]]', '{"a":null,"b":null}'],
  ['object.get', '[{"a": [1, 2]}, ["a", 1.0], "d"]', '2'],
  ['sum', '[[7, 5e-324, 1234567890123456789012345678901234567890]]', '1234567890123456789000000000000000000000'],
  ['product', '[[2, 7, 1e-7]]', '1.4e-06'],
  ['upper', '["ß ǆ"]', '"ß Ǆ"'],
  ['lower', '["İΣΑΣ"]', '"iσασ"'],
  ['trim_space', '["\\u0085\\u00a0x\\u2003"]', '"x"'],
  ['replace', '["abc", "", "-"]', '"-a-b-c-"'],
  ['indexof_n', '["😀b😀b", "b"]', '[1,3]'],
  ['substring', '["abc", 1.0, 1517814000000000000]', '"bc"'],
  ['array.slice', '[[1, 2], -1517814000000000000, 1.00]', '[1]'],
  ['regex.find_n', '["a", "aa", 1517814000000000000]', '["a","a"]'],
  ['regex.globs_match', '["a*", "b*"]', 'false'],
  ['regex.globs_match', '["", "a*"]', 'false'],
  ['regex.globs_match', '["x+[a-c]*", "xx.b"]', 'true'],
  ['regex.split', '["$", "a"]', '["a"]'],
  ['regex.find_n', '["a*", "baac", -1]', '["","aa",""]'],
  ['regex.replace', '["foo", "(.)o", "${1}x$$"]', '"fx$o"'],
  ['glob.match', '["[^a]", [], "^"]', 'true'],
  ['time.format', `[[${NS}, "Asia/Kolkata", "RFC822"]]`, '"22 Nov 25 07:30 IST"'],
  ['time.format', `[[${NS}, "Asia/Dubai", "MST"]]`, '"+04"'],
  ['time.format', '[[-1, "America/New_York", "RFC850"]]', '"Wednesday, 31-Dec-69 18:59:59 EST"'],
  ['time.parse_ns', '["2006-002", "2020-060"]', '1582934400000000000'],
  ['time.parse_duration_ns', '["1d2h"]', '93600000000000'],
  ['time.diff', '[0, 1585852421593912000]', '[50,3,1,18,33,41]'],
  ['net.cidr_merge', '[["192.168.1.77"]]', '["192.168.1.77/24"]'],
  ['net.cidr_contains', '["::ffff:10.0.0.0/104", "10.1.2.3"]', 'true'],
  ['units.parse', '["100m"]', '0.1000000000'],
  ['units.parse_bytes', '[".5KiB"]', '512'],
  ['semver.compare', '["v1.0.0-rc.10", "1.0.0-rc.2"]', '1'],
  ['uri.parse', '["//h/p"]', '{"hostname":"h","path":"/p","raw_path":"/p"}'],
  ['json.patch', '[{"a": [1]}, [{"op": "add", "path": "a/-", "value": 2}]]', '{"a":[1,2]}'],
  ['json.filter', '[{"b": "x"}, ["b/c"]]', '{"b":"x"}'],
  ['json.marshal', '["<\\u2028>"]', '"\\"\\\\u003c\\\\u2028\\\\u003e\\""'],
];
for (const [name, args, json] of answers) {
  test(`${name}(${args.slice(1, -1)}) is ${json}`, () => {
    const result = answer(name, parseJson(args) as readonly Value[]);
    assert.equal(toPlainJson(result as Value), json);
  });
}
