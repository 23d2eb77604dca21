/** `@sidegate/eslint-plugin`: calls between services that prove who calls. For ESLint 10 (flat configuration) and oxlint. */
import type { ESLint, Linter, Rule } from 'eslint';
import { noAnonymousServiceCall } from './rules/no-anonymous-service-call.ts';
import { noDisabledTlsVerification } from './rules/no-disabled-tls-verification.ts';
import { noHardcodedClientSecret } from './rules/no-hardcoded-client-secret.ts';

const NAME = 'sidegate';

const rules: Readonly<Record<string, Rule.RuleModule>> = {
  'no-anonymous-service-call': noAnonymousServiceCall,
  'no-disabled-tls-verification': noDisabledTlsVerification,
  'no-hardcoded-client-secret': noHardcodedClientSecret,
};

/**
 * The plugin: its rules, and the flat configuration `recommended` that turns every one of them on.
 *
 * @example
 * ```ts
 * import sidegate from '@sidegate/eslint-plugin';
 *
 * export default [sidegate.configs.recommended];
 * ```
 */
const plugin = {
  meta: { name: NAME, version: '0.1.0' },
  rules,
} satisfies ESLint.Plugin;

const recommended: Linter.Config = {
  name: `${NAME}/recommended`,
  plugins: { [NAME]: plugin },
  rules: Object.fromEntries(Object.keys(rules).map((name) => [`${NAME}/${name}`, 'error'])),
};

export default { ...plugin, configs: { recommended } };
