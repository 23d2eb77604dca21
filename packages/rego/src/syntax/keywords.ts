/** The words that are keywords in a version of the language, or once they are imported. */
export const KEYWORDS_V0 = [
  'as',
  'default',
  'else',
  'false',
  'import',
  'not',
  'null',
  'package',
  'some',
  'true',
  'with',
] as const;
export const KEYWORDS_V1 = ['contains', 'every', 'if', 'in'] as const;
export const KEYWORDS_FUTURE = ['and', 'not', 'or'] as const;
