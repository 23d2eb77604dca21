/** What a certificate revocation list says (RFC 5280 section 5.1). Who signed it is for its reader to know. */
import { contextTag, DerError, readDer, readFields, TAG } from './der.ts';
import { readInteger, readTime } from './der-values.ts';
import { type DistinguishedName, readDistinguishedName } from './distinguished-name.ts';

export interface RevocationList {
  readonly issuer: DistinguishedName;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  /** Milliseconds since the epoch; a list that names none is never current. */
  readonly nextUpdate: number;
  /** As `Certificate.serialNumber`. */
  readonly serialNumbers: ReadonlySet<string>;
}

/**
 * Reads one list.
 *
 * @throws DerError
 */
export function readRevocationList(der: Buffer): RevocationList {
  const [body] = readFields(readDer(der), TAG.sequence, 'the revocation list');
  if (body === undefined) throw new DerError('the revocation list is empty');
  const fields = readFields(body, TAG.sequence, 'the body of the revocation list');
  if (fields[0]?.tag === TAG.integer) fields.shift();
  const [, issuer, thisUpdate, ...optional] = fields;
  if (issuer === undefined) throw new DerError('the revocation list has no issuer');
  const isTime = optional[0]?.tag === TAG.utcTime || optional[0]?.tag === TAG.generalizedTime;
  const nextUpdate = isTime ? readTime(optional.shift(), 'nextUpdate') : 0;
  const [entries] = optional;
  const revoked =
    entries === undefined || entries.tag === contextTag(0, true)
      ? []
      : readFields(entries, TAG.sequence, 'the revoked certificates');
  return {
    issuer: readDistinguishedName(issuer, 'the issuer'),
    thisUpdate: readTime(thisUpdate, 'thisUpdate'),
    nextUpdate,
    serialNumbers: new Set(
      revoked.map((entry) => {
        const [serial] = readFields(entry, TAG.sequence, 'a revoked certificate');
        return readInteger(serial, 'a revoked serial number');
      }),
    ),
  };
}
