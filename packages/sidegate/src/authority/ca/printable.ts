/** Text out of a certificate for a terminal or a log: another party chose its bytes. */
import { excerpt } from '@sidegate/sdk';

/** The text as it is when it is plain ASCII, else quoted, escaped and shortened. */
export const printable = (text: string): string => (/^[ -~]*$/.test(text) ? text : excerpt(text));
