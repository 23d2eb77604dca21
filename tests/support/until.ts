/** Waits for something that happens soon, however slow the machine is; the assertion that follows says what was missing. */
export async function until(done: () => boolean | Promise<boolean>, timeoutMs: number = 3_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await done()) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 2));
}
