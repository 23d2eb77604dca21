/** `sidegate generate client`: a typed client of a service, from its OpenAPI document, limited to what a policy lets a caller do. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { clientSource } from './client-source.ts';
import { EXIT } from './exit-code.ts';
import { type Api, readOpenApi } from './openapi-operations.ts';
import { permissionsOf } from './permission-matrix.ts';
import { readJsonDocument } from './policy-files.ts';
import { reportRefusal, type StartFinding, StartRefused } from './start-finding.ts';

interface ClientOptions {
  readonly out: string;
  readonly service?: string;
  readonly caller?: string;
  readonly permissions?: string;
  readonly rule?: string;
  readonly json?: boolean;
}

export function generateClientCommand(): Command {
  return new Command('client')
    .argument('<openapi>', 'OpenAPI 3 document, JSON or YAML, whose security requirements name scopes')
    .description('A TypeScript client for @sidegate/sdk, whose methods exist for clients with their scopes alone.')
    .requiredOption('--out <file>', 'TypeScript file that is written')
    .option('--service <name>', 'what the service is called; default: the name of the document', readName)
    .option('--permissions <file>', 'who may do what: a .rego policy, or JSON or YAML: caller → permissions')
    .option('--rule <rule>', 'rule of the policy with the matrix, such as data.orders.service_permissions')
    .option('--caller <name>', 'only operations that the matrix allows this service', readName)
    .option('--json', 'what was written, or why not, as one JSON line on standard output')
    .addHelpText('after', `\n${HELP}`)
    .action((openapi: string, options: ClientOptions) => {
      process.exitCode = generateClient(openapi, options);
    });
}

const HELP = `An operation that has an Idempotency-Key header moves money: every call carries one.
Exit codes: 0 written, 64 wrong command line, 78 document or matrix refused (all findings printed).`;

function generateClient(openapi: string, options: ClientOptions): number {
  const { out, caller, permissions, rule, json = false } = options;
  const service = options.service ?? path.basename(openapi).replace(/\.[^.]+$/, '');
  if ((caller === undefined) !== (permissions === undefined)) {
    process.stderr.write('sidegate: --caller and --permissions belong together\n');
    return EXIT.usage;
  }
  try {
    const findings: StartFinding[] = [];
    const document = readJsonDocument(findings, openapi);
    if (findings.length > 0) throw new StartRefused(findings);
    const read = readOpenApi(document, openapi);
    if (read.findings.length > 0) throw new StartRefused(read.findings);
    const api =
      caller === undefined || permissions === undefined
        ? read.api
        : limited(read.api, permissionsOf(caller, permissions, rule), { openapi, caller });
    mkdirSync(path.dirname(out), { recursive: true });
    writeFileSync(out, clientSource(api, { service, caller }));
    const operations = api.operations.map(({ name, scopes }) => ({ name, scopes }));
    const lines = operations.map(({ name, scopes }) => `  ${name} (${scopes.join(' ') || 'no scope'})`);
    process.stdout.write(
      json ? `${JSON.stringify({ ok: true, file: out, operations })}\n` : `${out}\n${lines.join('\n')}\n`,
    );
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    return reportRefusal(error, json);
  }
}

function limited(
  { operations, schemas }: Api,
  permissions: readonly string[],
  { openapi, caller }: { readonly openapi: string; readonly caller: string },
): Api {
  const allowed = operations.filter(({ scopes }) => scopes.every((scope) => permissions.includes(scope)));
  if (allowed.length > 0) return { operations: allowed, schemas };
  const message = `has no operation that ${caller} may call`;
  const hint = `its permissions are ${permissions.join(', ')}`;
  throw new StartRefused([{ file: openapi, severity: 'error', message, hint }]);
}

function readName(text: string): string {
  if (/^[A-Za-z][A-Za-z0-9._-]{0,63}$/.test(text)) return text;
  throw new InvalidArgumentError('A name was expected: a letter, then letters, digits, dots and hyphens.');
}
