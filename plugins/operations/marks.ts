/** What a daemon says of an entry beside what its author says: JSON in its `ext`, which readers that do not know it ignore. */

export interface Marks {
  /** The author had it signed although it seems to hold a secret. */
  secret?: 'allowed'
  /** Key of the run that wrote it: 32 hex. */
  run?: string
}

export function marked(marks: Marks): Buffer {
  return Buffer.from(JSON.stringify(marks))
}

/** Total: `ext` of others may be any bytes. */
export function marksOf(ext: Buffer | null | undefined): Marks {
  if (!ext) return {}
  try {
    const { secret, run } = JSON.parse(ext.toString()) as Record<string, unknown>
    return {
      ...(secret === 'allowed' && { secret }),
      ...(typeof run === 'string' && /^[0-9a-f]{32}$/.test(run) && { run }),
    }
  } catch {
    return {}
  }
}
