/** The signature base, RFC 9421 section 2.5: the exact bytes that are signed. */
import { type InnerList, serializeInnerList } from 'structured-headers';
import type { Component } from './component.ts';
import { componentValue, type StructuredFields } from './component-value.ts';
import type { SignedMessage } from './message.ts';

/** @throws Problem `signature_invalid`, `invalid_request` */
export function signatureBase(
  message: SignedMessage,
  components: readonly Component[],
  input: InnerList,
  structured: StructuredFields = {},
): string {
  const lines = components.map(
    (component) => `${component.identifier}: ${componentValue(message, component, structured)}`,
  );
  return [...lines, `"@signature-params": ${serializeInnerList(input)}`].join('\n');
}
