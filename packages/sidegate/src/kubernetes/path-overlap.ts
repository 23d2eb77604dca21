/** Whether one request may match two routes. */
interface Route {
  readonly path: string;
  readonly methods: readonly string[] | undefined;
}

export function overlaps(a: Route, b: Route): boolean {
  const common =
    a.methods === undefined || b.methods === undefined || a.methods.some((each) => b.methods?.includes(each));
  return common && segmentsOverlap(a.path.split('/').slice(1), b.path.split('/').slice(1));
}

function segmentsOverlap(a: readonly string[], b: readonly string[]): boolean {
  const [first, ...otherA] = a;
  const [second, ...otherB] = b;
  if (first === '**' || second === '**') return true;
  if (first === undefined || second === undefined) {
    return first === second || [...a, ...b].join('/') === '**';
  }
  return (first === '*' || second === '*' || first === second) && segmentsOverlap(otherA, otherB);
}
