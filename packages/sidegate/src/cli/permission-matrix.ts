/** Which service may do what, from where it is decided: a rule of a Rego policy, or a JSON or YAML document of the same shape. */
import { EvaluationError, toPlainJson } from '@sidegate/rego';
import { compileSources, readJsonDocument } from './policy-files.ts';
import { type StartFinding, StartRefused } from './start-finding.ts';

/**
 * The permissions of one caller.
 *
 * @param rule such as `data.dataservice.service_permissions`, where the file is a policy
 * @throws StartRefused
 */
export function permissionsOf(caller: string, file: string, rule: string | undefined): readonly string[] {
  const permissions = permissionMatrix(file, rule)(caller);
  if (permissions !== undefined) return permissions;
  throw refused(file, `gives ${caller} no permissions`, 'it maps names of services to lists of permissions');
}

/**
 * The permissions of every caller; undefined for one that has none.
 *
 * @throws StartRefused
 */
export function permissionMatrix(
  file: string,
  rule: string | undefined,
): (caller: string) => readonly string[] | undefined {
  const matrix = file.endsWith('.rego') ? fromPolicy(file, rule) : fromDocument(file);
  return (caller) => {
    const permissions: unknown = isMap(matrix) && Object.hasOwn(matrix, caller) ? matrix[caller] : undefined;
    return Array.isArray(permissions) && permissions.every((each) => typeof each === 'string')
      ? permissions
      : undefined;
  };
}

function fromPolicy(file: string, rule: string | undefined): unknown {
  if (rule === undefined)
    throw refused(file, 'is a policy', 'name its rule with --rule, such as data.orders.service_permissions');
  const loaded = compileSources({ policies: [file], tests: false });
  if (!loaded.ok) throw new StartRefused(loaded.findings);
  const prepared = loaded.policy.results(`matrix := ${rule}`);
  if (!prepared.ok) throw refused(file, `${rule} is no rule`, 'such as data.orders.service_permissions');
  try {
    const matrix = prepared.evaluate(undefined)[0]?.bindings['matrix'];
    return matrix === undefined ? undefined : JSON.parse(toPlainJson(matrix));
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    throw refused(file, `${rule} needs an input`, 'the matrix must be written down in the policy');
  }
}

function fromDocument(file: string): unknown {
  const findings: StartFinding[] = [];
  const document = readJsonDocument(findings, file);
  if (findings.length > 0) throw new StartRefused(findings);
  return document;
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const refused = (file: string, message: string, hint: string): StartRefused =>
  new StartRefused([{ file, severity: 'error', message, hint }]);
