/** The opening handshake of a WebSocket between the two connections: RFC 6455 sections 4.1 and 4.2. */
import { hash } from 'node:crypto';
import { Problem } from '@sidegate/sdk';
import { type Fields, fieldLine } from '../net/fields.ts';
import type { InboundRequest } from '../net/listener.ts';

/** What ends at each hop and is said anew. */
export const UPGRADE_LINES = fieldLine('Connection', 'Upgrade') + fieldLine('Upgrade', 'websocket');

/** RFC 6455 section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * A `101` counts only as the answer to this very handshake, and only while the client has kept silent: bytes that it sent
 * before could be a request that nobody judged.
 *
 * @throws Problem `bad_upstream_response` or `framing_invalid`
 */
export function refuseFalseSwitch({ fields: asked, tunnel }: InboundRequest, answered: Fields): void {
  if (tunnel?.held !== false) throw new Problem('framing_invalid', 'bytes before the upgrade was agreed to');
  const accepted = hash('sha1', `${asked.single('sec-websocket-key') ?? ''}${ACCEPT_SUFFIX}`, 'base64');
  if (
    answered.single('upgrade')?.toLowerCase() !== 'websocket' ||
    !answered.tokens('connection').includes('upgrade') ||
    answered.single('sec-websocket-accept') !== accepted
  ) {
    throw new Problem('bad_upstream_response', 'the service switched to something other than this WebSocket');
  }
}
