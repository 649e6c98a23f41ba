/** Standard Webhooks 1.0.0: secrets, and the headers that prove who sent a message. */
import { createHmac, randomBytes } from 'node:crypto'

const PREFIX = 'whsec_'

/** 32 random bytes. */
export function newSecret(): string {
  return PREFIX + randomBytes(32).toString('base64')
}

export interface SignedHeaders {
  'webhook-id': string
  /** Unix seconds. */
  'webhook-timestamp': string
  'webhook-signature': string
}

/** One signature per secret: while a secret is being rotated, a receiver may still have the old one. */
export function sign(id: string, at: number, body: string, secrets: readonly string[]): SignedHeaders {
  const seconds = String(Math.floor(at / 1000))
  const signatures = secrets.map(secret => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures.join(' ') }
}
