/** `authority`: the CA that this process gets its identity from, where `tls.source` says so. */
import { z } from 'zod';
import { duration, filePath, origin } from './scalars.ts';

export const authorityIdentitySchema = z
  .strictObject({
    url: origin().describe('Of `sidegate authority`; https, because a renewal shows the certificate that it renews.'),
    ca_cert: filePath()
      .optional()
      .describe(
        "Who signed the authority's own certificate, PEM; absent: the CAs of the system. Later its trust bundle counts, too.",
      ),
    join_token_file: filePath()
      .optional()
      .describe('One-time token of `sidegate ca token`; read only when there is no certificate that is good.'),
    directory: filePath()
      .meta({ examples: ['/var/lib/sidegate/identity'] })
      .describe(
        'Where the identity is kept: `svid.pem`, `svid_key.pem`, `bundle.pem`, `crl.pem`; of this process alone.',
      ),
    timeout: duration('100ms', '10m')
      .prefault('30s')
      .describe('For the first enrolment; a sidecar without an identity by then does not start.'),
  })
  .describe(
    'The authority for every `tls.source: authority`: a certificate is renewed at two thirds of its life, trust bundle and revocation lists are followed, and no request notices.',
  );
