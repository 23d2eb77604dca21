/** One line of the authority's log: a certificate that was issued, or a request for one that was refused. Never holds a token. */

export interface CertificateEvent {
  readonly event: 'certificate';
  readonly decision: 'issued' | 'refused';
  readonly operation: 'enrol' | 'renew';
  readonly remote_address: string | undefined;
  readonly spiffe_id?: string;
  readonly serial_number?: string;
  readonly not_after?: string;
  readonly error?: string;
  readonly reason?: string;
}
