/** What payment-service says that it did. */
import { isJsonObject, type JsonValue } from '@sidegate/sdk';

export interface Receipt {
  readonly receiptId: string;
}

/** @throws TypeError when it is none */
export function readReceipt(answer: JsonValue): Receipt {
  const receiptId = isJsonObject(answer) ? answer['receipt_id'] : undefined;
  if (typeof receiptId !== 'string') throw new TypeError('payment-service answered without a receipt_id');
  return { receiptId };
}
