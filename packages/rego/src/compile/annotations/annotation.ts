/** What a `# METADATA` block says about a rule, a document, a package or the packages below one. */
import type { Location } from '../../syntax/location.ts';
import type { Value } from '../../value/value.ts';

export type AnnotationScope = 'rule' | 'document' | 'package' | 'subpackages';

export interface Annotation {
  /** As written; what the block stands before decides when absent. */
  readonly scope: string | undefined;
  readonly entrypoint: boolean;
  /** Everything else that was said, under OPA's names. */
  readonly members: Readonly<Record<string, Value>>;
  /** Where the block begins. */
  readonly location: Location;
}
