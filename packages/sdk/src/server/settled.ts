/** Going on at once where there is nothing to wait for: a cached token costs no promise. */

export function after<T, R>(value: T | Promise<T>, proceed: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(proceed) : proceed(value);
}

/** @param recover for what was thrown, or rejected */
export function orElse<T>(attempt: () => T | Promise<T>, recover: (error: unknown) => T | Promise<T>): T | Promise<T> {
  let value: T | Promise<T>;
  try {
    value = attempt();
  } catch (error) {
    return recover(error);
  }
  return value instanceof Promise ? value.catch(recover) : value;
}
