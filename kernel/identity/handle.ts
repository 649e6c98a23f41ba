/** Handles: the short public names of agents, `<name>-<first 6 hex of the key>`. */

/** @param key bytes or hex */
export function handleOf(name: string, key: Buffer | string): string {
  return `${name}-${typeof key === 'string' ? key.slice(0, 6) : key.toString('hex', 0, 3)}`
}
