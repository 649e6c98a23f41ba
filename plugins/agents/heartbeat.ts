/** What one machine tells the others about its agents: version 1, then their keys. Total: null for anything else. */
const VERSION = 1
const MAX_AGENTS = 255

export function encodeHeartbeat(agents: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([VERSION]), ...agents.slice(0, MAX_AGENTS)])
}

/** Keys in hex. Whether they belong to the sender's identity is for the reader to check. */
export function decodeHeartbeat(message: Buffer): Set<string> | null {
  const bytes = message.byteLength - 1
  if (message[0] !== VERSION || bytes % 32 !== 0 || bytes > MAX_AGENTS * 32) return null
  return new Set(Array.from({ length: bytes / 32 }, (_, i) => message.toString('hex', 1 + i * 32, 33 + i * 32)))
}
