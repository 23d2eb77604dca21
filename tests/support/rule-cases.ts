/** Runs the cases of a lint rule in ESLint, with a parser of TypeScript, and in oxlint: both must say the same. */

import { describe, test } from 'node:test';
import * as parser from '@babel/eslint-parser';
import { RuleTester as EslintTester, type Rule } from 'eslint';
import { RuleTester as OxlintTester } from 'oxlint/plugins-dev';

export interface RuleCase {
  readonly name: string;
  readonly code: string;
  readonly options?: object;
}

export interface WrongCase extends RuleCase {
  /** One for each finding, in the order of the text. */
  readonly errors: readonly {
    readonly messageId: string;
    readonly line?: number;
    readonly data?: Readonly<Record<string, string>>;
    readonly suggestions?: readonly { readonly messageId: string; readonly output: string }[];
  }[];
  /** What the fixes make of it, where the rule has some. */
  readonly output?: string;
}

/** How ESLint reads TypeScript here: the compiler of this repository has no API that typescript-eslint could use. */
export const TYPESCRIPT = {
  parser,
  parserOptions: {
    requireConfigFile: false,
    babelOptions: { babelrc: false, configFile: false, parserOpts: { plugins: ['typescript', 'decorators-legacy'] } },
  },
};

/** Each case is a test of node:test, in whichever of the two. */
const IN_NODE_TEST = {
  describe: (_title: string, body: () => void): void => body(),
  it: (title: string, body: () => void): void => void test(title, body),
};

export function testRule(
  name: string,
  rule: Rule.RuleModule,
  { wrong, right }: { readonly wrong: readonly WrongCase[]; readonly right: readonly RuleCase[] },
): void {
  Object.assign(EslintTester, IN_NODE_TEST);
  Object.assign(OxlintTester, IN_NODE_TEST);
  const cases = {
    valid: right.map(optionsAsList),
    invalid: wrong.map(optionsAsList),
  };
  describe(`${name} in ESLint`, () => {
    new EslintTester({ languageOptions: TYPESCRIPT }).run(name, rule, cases as never);
  });
  describe(`${name} in oxlint`, () => {
    const tester = new OxlintTester({ eslintCompat: true, languageOptions: { parserOptions: { lang: 'ts' } } });
    tester.run(name, rule as never, cases as never);
  });
}

function optionsAsList<Case extends RuleCase>({ options, ...rest }: Case) {
  return { ...rest, ...(options === undefined ? {} : { options: [options] }) };
}
