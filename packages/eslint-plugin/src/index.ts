/** `@sidegate/eslint-plugin`: calls between services that prove who calls. For ESLint 10 (flat configuration) and oxlint. */
import type { Linter, Rule } from 'eslint';
import { noAnonymousServiceCall } from './rules/no-anonymous-service-call.ts';
import { noBroadScope } from './rules/no-broad-scope.ts';
import { noDisabledTlsVerification } from './rules/no-disabled-tls-verification.ts';
import { noHardcodedClientSecret } from './rules/no-hardcoded-client-secret.ts';
import { noManualTokenCache } from './rules/no-manual-token-cache.ts';
import { noUnverifiedJwtDecode } from './rules/no-unverified-jwt-decode.ts';
import { noUserTokenForwarding } from './rules/no-user-token-forwarding.ts';
import { oneClientPerDomain } from './rules/one-client-per-domain.ts';
import { requireAudience } from './rules/require-audience.ts';
import { requireRouteDeclaration } from './rules/require-route-declaration.ts';

const NAME = 'sidegate';

const rules: Record<string, Rule.RuleModule> = {
  'no-anonymous-service-call': noAnonymousServiceCall,
  'no-broad-scope': noBroadScope,
  'no-disabled-tls-verification': noDisabledTlsVerification,
  'no-hardcoded-client-secret': noHardcodedClientSecret,
  'no-manual-token-cache': noManualTokenCache,
  'no-unverified-jwt-decode': noUnverifiedJwtDecode,
  'no-user-token-forwarding': noUserTokenForwarding,
  'one-client-per-domain': oneClientPerDomain,
  'require-audience': requireAudience,
  'require-route-declaration': requireRouteDeclaration,
};

export interface SidegatePlugin {
  readonly meta: { readonly name: string; readonly version: string };
  readonly rules: Record<string, Rule.RuleModule>;
  readonly configs: { readonly recommended: Linter.Config };
}

const meta = { name: NAME, version: '0.1.0' };

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
const plugin: SidegatePlugin = {
  meta,
  rules,
  configs: {
    recommended: {
      name: `${NAME}/recommended`,
      plugins: { [NAME]: { meta, rules } },
      rules: Object.fromEntries(Object.keys(rules).map((name) => [`${NAME}/${name}`, 'error'])),
    },
  },
};

export default plugin;
