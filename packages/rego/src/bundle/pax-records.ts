/** Records of a pax extended header: `length keyword=value\n`, the length in bytes and counting itself. */
import { refuse } from './bundle-diagnostic.ts';

export interface PaxRecords {
  readonly path?: string;
  readonly size?: number;
}

const ENCODER = new TextEncoder();
const RECORD = /(\d{1,7}) ([^=\n]+)=([^\n]*)\n/y;

/**
 * The path and the size that the records give; times and owners mean nothing here.
 * @throws BundleError when a record is malformed, or would change how the file's bytes are read
 */
export function readPaxRecords(text: string): PaxRecords {
  let records: PaxRecords = {};
  RECORD.lastIndex = 0;
  for (let at = 0; at < text.length; at = RECORD.lastIndex) {
    const [record, length, keyword = '', value = ''] = RECORD.exec(text) ?? malformed();
    if (ENCODER.encode(record).length !== Number(length)) malformed();
    if (keyword.startsWith('GNU.sparse.')) refuse('', 'the archive has a sparse file', 'a bundle has plain files only');
    if (keyword === 'path') records = { ...records, path: value === '' ? malformed() : value };
    if (keyword === 'size') records = { ...records, size: /^\d{1,15}$/.test(value) ? Number(value) : malformed() };
  }
  return records;
}

function malformed(): never {
  refuse('', 'cannot be read as a tar archive: an extended header is malformed', 'pack it again with opa build');
}
