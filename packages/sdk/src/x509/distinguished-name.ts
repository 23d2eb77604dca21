/**
 * Distinguished names as parsed values. They are compared attribute by attribute, never as strings: every library
 * prints them differently, and a common name may itself contain `,O=`.
 */
import { type DerElement, DerError, readFields, TAG } from './der.ts';
import { readOid, readText } from './der-values.ts';

export interface NameAttribute {
  /** Dotted object identifier. */
  readonly type: string;
  readonly value: string;
}

/** Usually one attribute; several make it multi-valued. */
type RelativeDistinguishedName = readonly NameAttribute[];

/** In the order of the certificate. */
export type DistinguishedName = readonly RelativeDistinguishedName[];

/** Short names of RFC 4514 section 3, and the other two that certificates of services use. */
export const ATTRIBUTE_TYPES = {
  CN: '2.5.4.3',
  SERIALNUMBER: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  STREET: '2.5.4.9',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  DC: '0.9.2342.19200300.100.1.25',
  UID: '0.9.2342.19200300.100.1.1',
  EMAILADDRESS: '1.2.840.113549.1.9.1',
} as const;

const SHORT_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(ATTRIBUTE_TYPES).map(([shortName, oid]) => [oid, shortName]),
);

/**
 * Whether both names have the same RDNs, in any order; values are compared exactly, including case.
 * A missing or an extra RDN makes them different, and so does one multi-valued RDN against two RDNs.
 */
export function sameDistinguishedName(a: DistinguishedName, b: DistinguishedName): boolean {
  return distinguishedNameKey(a) === distinguishedNameKey(b);
}

/** A text that two names share exactly when they are the same; for maps, not for people. */
export function distinguishedNameKey(name: DistinguishedName): string {
  const rdnKey = (rdn: RelativeDistinguishedName): string =>
    JSON.stringify(rdn.map(({ type, value }) => JSON.stringify([type, value])).sort());
  return JSON.stringify(name.map(rdnKey).sort());
}

/** All values of one attribute type, multi-valued RDNs included. */
export function attributeValues(name: DistinguishedName, type: keyof typeof ATTRIBUTE_TYPES): string[] {
  return name
    .flat()
    .filter((attribute) => attribute.type === ATTRIBUTE_TYPES[type])
    .map(({ value }) => value);
}

/** Short attribute name (`CN`, `O`) → value, for policies; one that occurs twice is left out. */
export function singleAttributes(name: DistinguishedName): Readonly<Record<string, string>> {
  const attributes = Object.create(null) as Record<string, string>;
  for (const type of Object.keys(ATTRIBUTE_TYPES) as (keyof typeof ATTRIBUTE_TYPES)[]) {
    const [value, ...others] = attributeValues(name, type);
    if (value !== undefined && others.length === 0) attributes[type] = value;
  }
  return attributes;
}

/** RFC 4514 escapes in the order of the certificate, as `allowed_clients` writes names: `CN=…,O=…`. */
export function formatDistinguishedName(name: DistinguishedName): string {
  return name.map((rdn) => rdn.map(formatAttribute).join('+')).join(',');
}

/** Name of RFC 5280 section 4.1.2.4. */
export function readDistinguishedName(element: DerElement, name: string): DistinguishedName {
  return readFields(element, TAG.sequence, name).map((rdn) => {
    const attributes = readFields(rdn, TAG.set, name).map((attribute) => readAttribute(attribute, name));
    if (attributes.length === 0) throw new DerError(`${name} has an empty part`);
    return attributes;
  });
}

function readAttribute(element: DerElement, name: string): NameAttribute {
  const [type, value, ...rest] = readFields(element, TAG.sequence, name);
  if (rest.length > 0) throw new DerError(`${name} has an attribute with several values`);
  return { type: readOid(type, name), value: readText(value, name) };
}

function formatAttribute({ type, value }: NameAttribute): string {
  const escaped = value.replace(/["+,;<>\\=]|^[ #]| $/g, '\\$&');
  return `${SHORT_NAMES.get(type) ?? type}=${escaped}`;
}
