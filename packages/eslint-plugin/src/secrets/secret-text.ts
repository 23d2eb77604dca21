/** What a secret is called, and what one looks like. */

/** The last words of a name, without their separators. */
const SECRET_NAME =
  /(?:(?:client|shared|app|consumer|hmac|jwt|signing|webhook|service|api|token|session|cookie)secret(?:key)?|secretkey|secret|(?:signing|private|encryption|hmac|api|access)key|(?:service|access|refresh|bearer|auth|static)token|password|passwd|passphrase)$/;
/** Names that end alike and hold no secret. */
const OTHER_NAME =
  /(?:id|name|env|variable|file|path|url|type|header|field|length|ttl)$|^(?:is|has|no|without|missing|invalid|no)/;
/** A place where a secret is: a variable, a vault, a file, a secrets manager. */
const REFERENCE = /^(?:\$\{|\$[A-Z_]+$|%|<|vault:|file:|env:|secret:\/\/|op:\/\/|arn:|projects\/|\/|\.\.?\/|https?:|@)/;
const VARIABLE_NAME = /^[A-Z][A-Z\d]*(?:_[A-Z\d]+)+$/;

const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s*[A-Za-z\d+/=]/, 'a private key'],
  [/\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/, 'a token'],
  [/\b(?:gh[pousr]_[A-Za-z\d]{30,}|github_pat_\w{50,}|glpat-[\w-]{20,})/, 'a token of a code host'],
  [/\b(?:AKIA|ASIA)[A-Z\d]{16}\b/, 'an access key'],
  [/\bxox[abprs]-[\w-]{10,}/, 'a token'],
  [/\bhv[sb]\.[\w-]{20,}/, 'a token of a vault'],
  [/\b[sr]k_live_[A-Za-z\d]{16,}/, 'an API key'],
  [/(?:^|[?&\s])client_secret=[^&\s\0$<{]{4,}/, 'client_secret'],
  [/^[a-z][a-z\d+.-]{2,20}:\/\/[^\s:/@$<{\0]+:[^\s/@$<{\0]{4,}@\S*$/, 'the password of a URL'],
  [/^Basic [A-Za-z\d+/]{12,}={0,2}$/, 'the secret of Basic credentials'],
  [/^Bearer [\w-]{16,}(?:\.[\w-]+)*$/, 'a token'],
];

export function isSecretName(name: string): boolean {
  const plain = name.replaceAll(/[^A-Za-z\d]/g, '').toLowerCase();
  return SECRET_NAME.test(plain) && !OTHER_NAME.test(plain);
}

/** A value under such a name: prose, variable names and references are none. */
export function mayBeSecret(value: string): boolean {
  if (value.length < 4 || /\s/.test(value.trim()) || REFERENCE.test(value) || VARIABLE_NAME.test(value)) return false;
  return !/^(?:string|password|secret|client_secret|null|undefined|true|false|none|redacted|\*+|x{3,}|\[[^\]]*\]|…+|\.+)$/i.test(
    value,
  );
}

/** A value that is a secret whatever it says: a key that is handed over, what stands in for a variable that is not set. */
export function isWrittenSecret(value: string): boolean {
  return value !== '' && !/\s/.test(value.trim()) && !REFERENCE.test(value) && !VARIABLE_NAME.test(value);
}

/** What a text holds that no source may hold, whatever its name is. */
export function secretInText(text: string): string | undefined {
  return KNOWN.find(([pattern]) => pattern.test(text))?.[1];
}
