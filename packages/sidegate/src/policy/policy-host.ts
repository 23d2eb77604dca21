/** What the engine is lent here: Node's own, and YAML. */
import { type CodeHost, type Host, NODE_HOST } from '@sidegate/rego';
import { YAML } from './rego-yaml.ts';

export const POLICY_HOST: Host & CodeHost = { ...NODE_HOST, yaml: YAML };
