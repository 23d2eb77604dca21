/** Queries over a generated policy, with variables: what `opa eval` would bind. */
import { PolicyGenerator } from './policy-generator.ts';
import { RULES } from './policy-vocabulary.ts';

/** Names that only mean something inside the package. */
const LOCAL = new RegExp(String.raw`(?<![\w."])(?:(?:${RULES.join('|')})\b|(?:id|[fgh])(?=\())`, 'g');

export class QueryGenerator extends PolicyGenerator {
  query(): string {
    const { text } = this.body({ rules: RULES.length, functions: ['h', 'f', 'g'], variables: [], depth: 2 });
    return text.replaceAll(LOCAL, 'data.p.$&');
  }
}
