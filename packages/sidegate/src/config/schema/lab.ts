/** `lab.yaml`: a whole system of zones on one machine, as `sidegate up` starts it. */
import { z } from 'zod';
import { isLoopback } from '../address.ts';
import { type Finding, reading, refuse } from './rule.ts';
import { duration, filePath, name } from './scalars.ts';

const hostName = () =>
  z
    .string()
    .regex(/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*$/, 'is not a host name in lower case')
    .meta({ examples: ['order-service.zone2.local'] });

const variableName = () => z.string().regex(/^[A-Z_][A-Z0-9_]*$/, 'is not the name of an environment variable');

const labService = z.strictObject({
  name: name().describe('Service name: the CN of its client certificate is `<name>-client`.'),
  directory: name().describe('Its folder below `etc/certs`, as in `gateway`.'),
  config: filePath().describe('Its sidecar configuration, relative to the lab file.'),
  zone: name().describe('The zone whose CA signs its server certificate.'),
  host: hostName().describe('The DNS name it is reached by.'),
  calls_zone: name().optional().describe('The zone it calls: that CA signs its client certificate.'),
  app: filePath().optional().describe('The example app behind the sidecar, relative to the lab file.'),
  secrets: z
    .record(variableName(), name())
    .default({})
    .describe('Environment variable → client id whose secret the sidecar gets in it.'),
});

const labUser = z.strictObject({
  username: z.string().min(1).describe('The user of the walk-through, as in the realm file.'),
  password_env: variableName().optional().describe('Environment variable with the password; absent: one is made up.'),
});

export const labSchema = z
  .strictObject({
    root: filePath()
      .default('.lab')
      .describe('Folder for all state, relative to the lab file; shaped like a root directory.'),
    trust_domain: hostName().default('example.org').describe('SPIFFE trust domain of every certificate.'),
    organization: z.string().min(1).max(64).default('MyOrg').describe('The O of every subject.'),
    certificates: z
      .strictObject({
        key_algorithm: z.enum(['P-256', 'RSA-2048', 'RSA-4096']).default('P-256').describe('Key of every certificate.'),
        valid_for: duration('1m', '825d').prefault('365d').describe('Lifetime of every certificate.'),
      })
      .prefault({}),
    hosts: z
      .record(
        hostName(),
        z
          .string()
          .refine(isLoopback, { error: 'is not a loopback address' })
          .meta({ examples: ['127.0.0.1', '::1'] }),
      )
      .describe('Host name → loopback address on which it is served.'),
    identity_provider: z.strictObject({
      host: hostName().describe('The name in the issuer, as in `keycloak.example.com`.'),
      realms: z.array(filePath()).min(1).describe('Keycloak realm files, relative to the lab file.'),
    }),
    services: z.array(labService).min(1).describe('The sidecars, in the order in which they start.'),
    users: z.array(labUser).default([]).describe('Users of the walk-through.'),
  })
  .superRefine((lab, context) => refuse(context, labFindings(lab)), reading('hosts', 'identity_provider', 'services'));

export type LabConfig = z.output<typeof labSchema>;

function* labFindings(lab: LabConfig): Generator<Finding> {
  const zones = new Set(lab.services.map((service) => service.zone));
  if (!Object.hasOwn(lab.hosts, lab.identity_provider.host)) {
    yield { path: ['identity_provider', 'host'], message: 'has no address', hint: 'add it to hosts' };
  }
  for (const [index, service] of lab.services.entries()) {
    const at = ['services', index];
    if (!Object.hasOwn(lab.hosts, service.host)) {
      yield { path: [...at, 'host'], message: 'has no address', hint: 'add it to hosts' };
    }
    if (service.calls_zone !== undefined && !zones.has(service.calls_zone)) {
      const hint = `the zones are ${[...zones].join(', ')}`;
      yield { path: [...at, 'calls_zone'], message: 'no service is in this zone', hint };
    }
    for (const key of ['name', 'directory', 'host'] as const) {
      const first = lab.services.findIndex((other) => other[key] === service[key]);
      if (first < index) yield { path: [...at, key], message: `is the same as services[${first}].${key}` };
    }
  }
}
