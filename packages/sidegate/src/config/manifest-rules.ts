/** What manifests of a cluster allow that no mesh should: callers without a certificate, listeners and calls in clear text. */
import type { Finding } from './schema/rule.ts';

type Tree = Readonly<Record<string, unknown>>;
type Path = readonly (string | number)[];

/** Of one object of a cluster; objects of other kinds have none. */
export function* manifestFindings(manifest: unknown, at: Path = []): Generator<Finding> {
  const object = tree(manifest);
  const kind = String(object['kind']);
  if (kind.endsWith('List')) {
    for (const [index, item] of list(object['items']).entries()) yield* manifestFindings(item, [...at, 'items', index]);
    return;
  }
  const [group = ''] = String(object['apiVersion']).split('/');
  yield* linkerdAnnotations(object, at);
  yield* (RULES[`${group} ${kind}`] ?? none)(tree(object['spec']), [...at, 'spec']);
}

type Rule = (spec: Tree, at: Path) => Generator<Finding>;

const RULES: Readonly<Record<string, Rule>> = {
  'security.istio.io PeerAuthentication': peerAuthentication,
  'security.istio.io AuthorizationPolicy': istioAuthorization,
  'networking.istio.io DestinationRule': destinationRule,
  'networking.istio.io Gateway': istioGateway,
  'gateway.networking.k8s.io Gateway': gateway,
  'networking.k8s.io Ingress': ingress,
  'policy.linkerd.io Server': linkerdServer,
  'policy.linkerd.io AuthorizationPolicy': linkerdAuthorization,
};

// biome-ignore lint/correctness/useYield: of a kind without rules
function* none(): Generator<Finding> {}

const STRICT = 'set it to STRICT; during a migration, annotate the object (docs/meshes.md)';

function* peerAuthentication(spec: Tree, at: Path): Generator<Finding> {
  const { mode } = tree(spec['mtls']);
  const path = [...at, 'mtls', 'mode'];
  if (mode === undefined || mode === 'UNSET') {
    yield { path, message: 'is not set: what stands above decides, and that is PERMISSIVE by default', hint: STRICT };
  } else if (mode !== 'STRICT') {
    yield { path, message: `is ${shown(mode)}: takes calls without a certificate`, hint: STRICT };
  }
  for (const [port, setting] of Object.entries(tree(spec['portLevelMtls']))) {
    const { mode: own } = tree(setting);
    if (own === undefined || own === 'UNSET' || own === 'STRICT') continue;
    const message = `is ${shown(own)}: takes calls without a certificate`;
    yield { path: [...at, 'portLevelMtls', port, 'mode'], message, hint: STRICT };
  }
}

/** What a source proves, other than where a packet came from. */
const IDENTITIES = ['principals', 'serviceAccounts', 'namespaces', 'requestPrincipals'] as const;

function* istioAuthorization(spec: Tree, at: Path): Generator<Finding> {
  if ((spec['action'] ?? 'ALLOW') !== 'ALLOW') return;
  const hint = 'name principals, as cluster.local/ns/<namespace>/sa/<service account>';
  for (const [index, rule] of list(spec['rules']).entries()) {
    const path = [...at, 'rules', index];
    const sources = list(tree(rule)['from']);
    if (sources.length === 0) yield { path, message: 'lets anybody in', hint };
    for (const [place, from] of sources.entries()) {
      const source = tree(tree(from)['source']);
      if (IDENTITIES.some((each) => list(source[each]).length > 0)) continue;
      yield { path: [...path, 'from', place, 'source'], message: 'lets in whoever has no identity', hint };
    }
  }
}

function* destinationRule(spec: Tree, at: Path): Generator<Finding> {
  const isInside = /^[a-z0-9-]+$|\.svc$|\.svc\.|\.local$/.test(String(spec['host']));
  yield* callSettings(spec, at, isInside);
  for (const [index, subset] of list(spec['subsets']).entries()) {
    yield* callSettings(tree(subset), [...at, 'subsets', index], isInside);
  }
}

function* callSettings(holder: Tree, at: Path, isInside: boolean): Generator<Finding> {
  const policy = tree(holder['trafficPolicy']);
  const below = [...at, 'trafficPolicy'];
  const settings: [Path, unknown][] = [
    [[...below, 'tls', 'mode'], tree(policy['tls'])['mode']],
    ...list(policy['portLevelSettings']).map((each, index): [Path, unknown] => [
      [...below, 'portLevelSettings', index, 'tls', 'mode'],
      tree(tree(each)['tls'])['mode'],
    ]),
  ];
  const hint = 'set it to ISTIO_MUTUAL';
  for (const [path, mode] of settings) {
    if (mode === 'DISABLE') yield { path, message: 'calls in clear text', hint };
    if (mode === 'SIMPLE' && isInside) yield { path, message: 'calls without a certificate of its own', hint };
  }
}

const TLS_HINT = 'let it speak TLS, or only lead there';

function* istioGateway(spec: Tree, at: Path): Generator<Finding> {
  for (const [index, server] of list(spec['servers']).entries()) {
    const { protocol } = tree(tree(server)['port']);
    const { mode, httpsRedirect } = tree(tree(server)['tls']);
    const isPlain = ['HTTP', 'HTTP2', 'GRPC', 'TCP', 'MONGO'].includes(String(protocol)) && mode === undefined;
    if (!isPlain || httpsRedirect === true) continue;
    yield { path: [...at, 'servers', index, 'port', 'protocol'], message: 'listens in clear text', hint: TLS_HINT };
  }
}

function* gateway(spec: Tree, at: Path): Generator<Finding> {
  for (const [index, listener] of list(spec['listeners']).entries()) {
    const { protocol } = tree(listener);
    if (protocol !== 'HTTP' && protocol !== 'TCP') continue;
    yield { path: [...at, 'listeners', index, 'protocol'], message: 'listens in clear text', hint: TLS_HINT };
  }
}

function* ingress(spec: Tree, at: Path): Generator<Finding> {
  if (list(spec['tls']).length > 0) return;
  yield { path: [...at, 'tls'], message: 'is absent: listens in clear text', hint: TLS_HINT };
}

const MESH_TLS = 'name a MeshTLSAuthentication or a ServiceAccount';
const UNAUTHENTICATED = /^(all|cluster)-unauthenticated$/;

function* linkerdServer(spec: Tree, at: Path): Generator<Finding> {
  if (!UNAUTHENTICATED.test(String(spec['accessPolicy']))) return;
  yield { path: [...at, 'accessPolicy'], message: 'takes calls without a certificate', hint: 'set it to deny' };
}

function* linkerdAuthorization(spec: Tree, at: Path): Generator<Finding> {
  const references = list(spec['requiredAuthenticationRefs']).map((each) => String(tree(each)['kind']));
  if (references.some((kind) => kind === 'MeshTLSAuthentication' || kind === 'ServiceAccount')) return;
  yield { path: [...at, 'requiredAuthenticationRefs'], message: 'lets in whoever has no identity', hint: MESH_TLS };
}

function* linkerdAnnotations(object: Tree, at: Path): Generator<Finding> {
  const template: Path = ['spec', 'template'];
  for (const [below, holder] of [
    [[], object],
    [template, tree(tree(object['spec'])['template'])],
  ] as const) {
    const name = 'config.linkerd.io/default-inbound-policy';
    if (!UNAUTHENTICATED.test(String(annotationsOf(holder)[name]))) continue;
    const hint = 'set it to all-authenticated, cluster-authenticated or deny';
    const path = [...at, ...below, 'metadata', 'annotations', name];
    yield { path, message: 'takes calls without a certificate', hint };
  }
}

export const annotationsOf = (object: Tree): Tree => tree(tree(object['metadata'])['annotations']);

export const tree = (value: unknown): Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {};

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** What is written there is shown when it is a word of Istio's, else only that it is none. */
const shown = (mode: unknown): string => (mode === 'PERMISSIVE' || mode === 'DISABLE' ? mode : 'no mode of Istio');
