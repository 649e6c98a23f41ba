/** How an entry says that its author had it signed unchecked: bytes in its `ext`, so that every reader can see it. */

const ALLOWED = { secret: 'allowed' } as const

/** The `ext` of a draft that is not to be looked over for secrets. */
export function allowSecret(): Buffer {
  return Buffer.from(JSON.stringify(ALLOWED))
}

/** Whether the author of an entry overrode the search for secrets. Total: `ext` of others may be any bytes. */
export function secretAllowed(ext: Buffer | null | undefined): boolean {
  return ext ? ext.equals(allowSecret()) : false
}
