/** Path patterns: `*` stands for one segment, a final `**` for the path itself and everything below. */

export function compilePathGlob(pattern: string): (path: string) => boolean {
  const [before = '', ...after] = pattern.split('*');
  // Without a star a path is itself; `/a/**` is what begins with `/a/`, and `/a`.
  if (after.length === 0) return (path) => path === pattern;
  if (pattern === `${before}**` && before.endsWith('/')) {
    const itself = before.slice(0, -1);
    return (path) => path.startsWith(before) || (path === itself && itself !== '');
  }
  const segments = pattern.split('/').slice(1);
  return (path) => matchesSegments(path.split('/').slice(1), segments);
}

function matchesSegments(segments: readonly string[], pattern: readonly string[]): boolean {
  for (let i = 0; i < pattern.length; i += 1) {
    if (pattern[i] === '**' && i === pattern.length - 1) return true;
    if (i >= segments.length) return false;
    if (pattern[i] !== '*' && pattern[i] !== segments[i]) return false;
  }
  return segments.length === pattern.length;
}
