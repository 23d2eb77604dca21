/** Generated policies in the language before v1: bodies without `if`, sets as `s[x] { … }`, no template strings. */
import { PolicyGenerator } from './policy-generator.ts';

const CONTAINS = /^(\w+) contains (.*?)(?= if \{)/gm;
const IMPORTS = ['contains', 'every', 'in'].map((keyword) => `import future.keywords.${keyword}\n`).join('');

export class V0PolicyGenerator extends PolicyGenerator {
  override policy(): string {
    return super
      .policy()
      .replace('import rego.v1\n', '')
      .replace('package p\n', `package p\n${IMPORTS}`)
      .replaceAll(CONTAINS, '$1[$2]')
      .replaceAll(' if {', ' {');
  }

  protected override template(a: string, b: string): string {
    return `sprintf("<%v|%v>", [${a}, ${b}])`;
  }
}
