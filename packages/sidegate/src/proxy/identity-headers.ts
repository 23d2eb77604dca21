/**
 * Headers by which a service would recognise a caller. They are set by us or removed, never passed through:
 * whatever the client sent under one of these names, or under a name that looks like one, does not arrive.
 */
import { Problem } from '@sidegate/sdk';
import type { Fields } from '../net/fields.ts';

/** Removed at every hop; a name ending in `-` stands for the whole family. */
const RESERVED: readonly string[] = [
  'x-user-',
  'x-user',
  'x-username',
  'x-original-',
  'x-service-',
  'x-auth-',
  'x-authenticated-',
  'x-remote-',
  'x-forwarded-',
  'x-forwarded',
  'x-envoy-',
  'x-ssl-',
  'ssl-client-',
  'x-sidegate-',
  'x-webauth-',
  'x-real-ip',
  'x-host',
  'x-arr-clientcert',
  'x-client-cert',
  'x-client-cn',
  'x-client-dn',
  'x-client-ip',
  'x-client-verify',
  'x-cluster-client-ip',
  'cf-connecting-ip',
  'true-client-ip',
  'remote-user',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-rewrite-url',
  'forwarded',
  'client-cert',
  'client-cert-chain',
  'early-data',
  'txn-token',
];

const FAMILIES = RESERVED.filter((name) => name.endsWith('-'));
const NAMES: ReadonlySet<string> = new Set(RESERVED.filter((name) => !name.endsWith('-')));
/** No identities, but what else a message is understood by: nothing that could be read as one of these passes beside it. */
const NEVER_IMITATED: ReadonlySet<string> = new Set([
  'content-length',
  'proxy-authorization',
  'transfer-encoding',
  'x-correlation-id',
]);

type Judgement = 'harmless' | 'identity' | 'look-alike';

/** Names are few and come again and again; what was made up by one client is judged anew. */
const MAX_REMEMBERED = 256;
const MAX_REMEMBERED_LENGTH = 64;

/** What names mean to one sidecar. */
export class IdentityHeaders {
  readonly #configured: ReadonlySet<string>;
  readonly #judged = new Map<string, Judgement>();

  /** @param configured lower-case names that this sidecar sets itself */
  constructor(configured: Iterable<string> = []) {
    this.#configured = new Set(configured);
  }

  has(lowerName: string): boolean {
    return this.#judge(lowerName) === 'identity';
  }

  /**
   * CGI-like programs read `X_User_ID` and `X.User.Id` as `X-User-ID`, so such look-alikes are refused.
   *
   * @throws Problem `header_name_ambiguous` or `header_value_invalid`
   */
  refuseLookAlikes(fields: Fields): void {
    for (let i = 0; i < fields.size; i += 1) {
      const name = fields.lowerNames[i] ?? '';
      const judgement = this.#judge(name);
      if (judgement === 'harmless') continue;
      if (judgement === 'look-alike') {
        const looks = folded(name).slice(0, 64);
        throw new Problem('header_name_ambiguous', `the header "${name.slice(0, 64)}" looks like "${looks}"`);
      }
      if (/[^\x20-\x7e]/.test(fields.value(i))) {
        throw new Problem(
          'header_value_invalid',
          `the identity header "${name.slice(0, 64)}" has a byte outside ASCII`,
        );
      }
    }
  }

  #judge(lowerName: string): Judgement {
    const known = this.#judged.get(lowerName);
    if (known !== undefined) return known;
    const judgement = this.#judgeAnew(lowerName);
    if (this.#judged.size < MAX_REMEMBERED && lowerName.length <= MAX_REMEMBERED_LENGTH) {
      // A copy: a piece of a message would keep the whole message in memory.
      this.#judged.set(Buffer.from(lowerName, 'latin1').toString('latin1'), judgement);
    }
    return judgement;
  }

  #judgeAnew(lowerName: string): Judgement {
    if (this.#isIdentity(lowerName)) return 'identity';
    if (!/[^a-z0-9-]/.test(lowerName)) return 'harmless';
    const looks = folded(lowerName);
    return this.#isIdentity(looks) || NEVER_IMITATED.has(looks) ? 'look-alike' : 'harmless';
  }

  #isIdentity(lowerName: string): boolean {
    return (
      NAMES.has(lowerName) || this.#configured.has(lowerName) || FAMILIES.some((family) => lowerName.startsWith(family))
    );
  }
}

function folded(lowerName: string): string {
  return lowerName.replaceAll(/[^a-z0-9]/g, '-');
}
