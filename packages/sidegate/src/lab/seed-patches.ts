/**
 * Named corrections of a zoned system that was written down in the seed's format. Each one looks whether it is
 * needed, changes the copy that the lab will run, and says what it did; the files it was read from stay as they are.
 */
import { dirname, join } from 'node:path/posix';
import { type Document, isMap, isScalar, isSeq, type YAMLMap } from 'yaml';
import { correctPolicy, POLICY_CORRECTIONS } from './policy-corrections.ts';

/** What the lab was given, parsed; the patches change it in place. */
export interface SeedMaterial {
  /** Service name → its configuration. */
  readonly configs: ReadonlyMap<string, Document>;
  /** File name → text. */
  readonly policies: Map<string, string>;
  /** Every file name of the directory, also of what the lab does not run. */
  readonly files: ReadonlyMap<string, string>;
  readonly services: readonly SeedService[];
  readonly trustDomain: string;
  /** Clients that sign users in; their tokens are what the gateway forwards. */
  readonly userClients: readonly string[];
}

export interface SeedService {
  readonly name: string;
  readonly zone: string;
  /** The name of its configuration file. */
  readonly config: string;
  readonly callsZone?: string;
}

export interface AppliedPatch {
  readonly id: string;
  /** The file that needed it. */
  readonly file: string;
  /** `patched`: the copy was changed. `built in`: the product does it without a change. */
  readonly how: 'patched' | 'built in';
  readonly what: string;
}

/** Applies every patch that is needed, in the order of the defects' numbers. */
export function applySeedPatches(material: SeedMaterial): readonly AppliedPatch[] {
  return [...serverTrust(material), ...certificateScript(material), ...accessLists(material), ...bindings(material)]
    .concat([...addresses(material), ...outgoing(material), ...realms(material), ...policies(material)])
    .toSorted((a, b) => a.id.localeCompare(b.id) || a.file.localeCompare(b.file));
}

function* serverTrust({ configs, services }: SeedMaterial): Generator<AppliedPatch> {
  for (const { name, zone, config } of services) {
    const document = configs.get(name);
    const file = text(document, ['http', 'tls', 'client_ca_file']);
    if (document === undefined || file === undefined) continue;
    const own = join(dirname(file), `${zone}-ca.crt`);
    if (file === own) continue;
    document.setIn(['http', 'tls', 'client_ca_file'], own);
    yield {
      id: 'SD-01',
      file: config,
      how: 'patched',
      what: `client_ca_file ${file} → ${own}: clients of a zone are signed by its own CA`,
    };
  }
}

function* certificateScript({ files }: SeedMaterial): Generator<AppliedPatch> {
  const file = 'generate-certs.sh';
  const script = files.get(file);
  if (script === undefined) return;
  if (script.includes('${cn}-client')) {
    yield {
      id: 'SD-02',
      file,
      how: 'built in',
      what: 'not run: client certificates are named <service>-client, as the policies expect',
    };
  }
  if (!script.includes('subjectAltName')) {
    yield {
      id: 'SD-04',
      file,
      how: 'built in',
      what: 'not run: our certificates are X.509 v3 with names, key usage and private keys for their owner only',
    };
  }
}

function* accessLists({ configs, services }: SeedMaterial): Generator<AppliedPatch> {
  for (const { name, config } of services) {
    const list = configs.get(name)?.getIn(['proxy', 'mtls', 'allowed_clients']);
    if (!isSeq(list)) continue;
    const names = list.items.flatMap((item) => (isScalar(item) && typeof item.value === 'string' ? [item.value] : []));
    const named = names.filter((entry) => entry.includes('='));
    if (named.length === 0) continue;
    yield {
      id: 'SD-03',
      file: config,
      how: 'built in',
      what: `${named.join(' and ')}: compared as a set of name parts, in any order`,
    };
  }
}

function* bindings(material: SeedMaterial): Generator<AppliedPatch> {
  const { configs, services, trustDomain, userClients } = material;
  for (const service of services) {
    const document = configs.get(service.name);
    const callers = services.filter(({ callsZone }) => callsZone === service.zone);
    if (document === undefined || document.has('identities') || callers.length === 0) continue;
    const issuer = text(document, ['jwt', 'issuer']);
    const table = callers.map((caller) => {
      const forwards = text(configs.get(caller.name), ['jwt', 'issuer']) === issuer;
      const identity = `spiffe://${trustDomain}/${caller.zone}/${caller.name}`;
      return [identity, forwards ? { client_id: caller.name, may_forward: [...userClients] } : caller.name] as const;
    });
    document.set('identities', document.createNode(Object.fromEntries(table)));
    yield {
      id: 'SD-05',
      file: service.config,
      how: 'patched',
      what: `identities: ${callers.map(({ name }) => name).join(' and ')}, each bound to its own tokens`,
    };
  }
}

function* addresses({ configs, services }: SeedMaterial): Generator<AppliedPatch> {
  for (const { name, config } of services) {
    const document = configs.get(name);
    if (document === undefined) continue;
    const patched = (what: string): AppliedPatch => ({ id: 'SD-10', file: config, how: 'patched', what });
    if (!document.hasIn(['proxy', 'upstream', 'url'])) {
      document.setIn(['proxy', 'upstream'], document.createNode({ url: 'http://127.0.0.1:3000' }));
      yield patched('proxy.upstream.url added: the app behind the sidecar');
    }
    if (document.getIn(['egress', 'enabled']) === true && !document.hasIn(['egress', 'addr'])) {
      document.setIn(['egress', 'addr'], '127.0.0.1:8080');
      yield patched('egress.addr added: the address that the app calls');
    }
    for (const route of maps(document, ['proxy', 'routes'])) {
      const prefix = /^\/api\/v\d+(?=\/)/.exec(String(route.get('path')))?.[0];
      if (prefix === undefined || route.has('strip_prefix')) continue;
      route.set('strip_prefix', prefix);
      yield patched(`${String(route.get('path'))}: strip_prefix ${prefix}, so that the service sees its own paths`);
    }
  }
}

function* outgoing({ configs, services }: SeedMaterial): Generator<AppliedPatch> {
  for (const { name, config } of services) {
    const document = configs.get(name);
    const keys = text(document, ['jwt', 'jwks_url']);
    if (document === undefined || document.has('egress') || keys?.startsWith('https:') !== true) continue;
    yield {
      id: 'SD-11',
      file: config,
      how: 'built in',
      what: `ingress only, yet one outgoing connection: ${new URL(keys).host} for its keys`,
    };
  }
}

function* realms({ configs, files, services, userClients }: SeedMaterial): Generator<AppliedPatch> {
  const byIssuer = Map.groupBy(
    services.filter(({ name }) => text(configs.get(name), ['jwt', 'issuer']) !== undefined),
    ({ name }) => text(configs.get(name), ['jwt', 'issuer']) ?? '',
  );
  for (const [issuer, sharing] of byIssuer) {
    if (sharing.length < 2) continue;
    const audiences = sharing.map(({ name }) => text(configs.get(name), ['jwt', 'audience'])).join(', ');
    yield {
      id: 'SD-09',
      file: sharing.map(({ config }) => config).join(', '),
      how: 'built in',
      what: `one token of ${issuer} must serve ${audiences}: the lab realm adds all of them`,
    };
  }
  const realmFiles = [...files].filter(([name]) => name.endsWith('.json'));
  if (realmFiles.some(([, json]) => userClients.some((client) => json.includes(`"${client}"`)))) return;
  const file = realmFiles.map(([name]) => name).join(', ') || 'realms';
  yield {
    id: 'SD-12',
    file,
    how: 'built in',
    what: `no realm defines ${userClients.join(', ')}, the users and the roles: the lab's own realm files serve`,
  };
  yield { id: 'SD-14', file, how: 'built in', what: 'the password grant works in a realm marked as a laboratory only' };
}

function* policies({ policies: texts }: SeedMaterial): Generator<AppliedPatch> {
  for (const correction of POLICY_CORRECTIONS) {
    const corrected = correctPolicy(texts.get(correction.file) ?? '', correction);
    if (corrected === undefined) continue;
    texts.set(correction.file, corrected);
    yield { id: correction.id, file: `policies/${correction.file}`, how: 'patched', what: correction.defect };
  }
}

function text(document: Document | undefined, path: readonly string[]): string | undefined {
  const value = document?.getIn(path);
  return typeof value === 'string' ? value : undefined;
}

function maps(document: Document, path: readonly string[]): YAMLMap[] {
  const list = document.getIn(path);
  return isSeq(list) ? list.items.filter((item) => isMap(item)) : [];
}
