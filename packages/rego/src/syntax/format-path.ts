/** Paths of documents as Rego writes them: `data.order.allow`, `data["a b"][0]`. */
export function formatPath(path: readonly (string | number | boolean | null)[]): string {
  return path.map((part, i) => (i === 0 ? String(part) : formatPart(part))).join('');
}

function formatPart(part: string | number | boolean | null): string {
  if (typeof part !== 'string') return `[${String(part)}]`;
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
}
