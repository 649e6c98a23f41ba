/** What machines tell each other about themselves. Total: null for anything else than a fitting message. */

export interface About {
  /** Version of OpenPact. */
  version: string
  /** Protocol and digest of each ruled plugin. */
  rules: Record<string, { protocol: number; digest: string }>
  /** False where it cannot judge entries: it reads what others have confirmed and writes nothing until something is done there. */
  judges: boolean
  /** Entries in its view, and how many of them it knows as confirmed. */
  length: number
  confirmed: number
}

export interface Hello extends About {
  /** The sender has not heard of the receiver yet. */
  ask: boolean
}

const LIMIT = 8192
const MAX_RULES = 64
/** What is printed to people on other machines: no spaces, no control characters. */
const word = /^[\w.+-]{1,64}$/
const hex = /^[0-9a-f]{16,64}$/

export function encodeHello(hello: Hello): Buffer {
  return Buffer.from(JSON.stringify({ v: 1, ...hello }))
}

export function decodeHello(message: Buffer): Hello | null {
  if (message.byteLength > LIMIT) return null
  let told: unknown
  try {
    told = JSON.parse(message.toString('utf8'))
  } catch {
    return null
  }
  if (!isRecord(told) || told.v !== 1 || !isRecord(told.rules)) return null
  const { version, length, confirmed, ask } = told
  if (typeof version !== 'string' || !word.test(version) || !isCount(length) || !isCount(confirmed)) return null
  const rules: About['rules'] = {}
  for (const [plugin, rule] of Object.entries(told.rules).slice(0, MAX_RULES)) {
    if (!word.test(plugin) || !isRecord(rule) || !isCount(rule.protocol)) return null
    if (typeof rule.digest !== 'string' || !hex.test(rule.digest)) return null
    rules[plugin] = { protocol: rule.protocol, digest: rule.digest }
  }
  return { version, rules, judges: told.judges !== false, length, confirmed, ask: ask === true }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
