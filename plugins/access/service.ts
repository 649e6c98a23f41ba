/** Tokens: who a caller is and what it may do. */
import { serviceRef } from '../../kernel/index.ts'
import type { Caller, Cause } from '../operations/operation.ts'

export interface TokenInfo {
  /** First 8 hex of the token's hash: names it in lists. */
  id: string
  agent: string
  pacts: string[] | null
  operations: string[] | null
  /** ms since 1970; null for no end. */
  expires: number | null
  created: number
  /** The most it may do. */
  access: 'read' | 'write' | 'admin'
  /** It stands in the data directory's `token` file. */
  main: boolean
}

export interface IssueOptions {
  /** Name, handle or key of an agent of this machine. */
  agent: string
  /** Pact ids; null or absent for all. */
  pacts?: string[] | null
  /** Operation names, `<plugin>.*`, or `METHOD /path` of a route; null or absent for all. */
  operations?: string[] | null
  /** `admin` if absent. */
  access?: 'read' | 'write' | 'admin'
  /** ms from now; without an end if absent */
  lifetime?: number
  /** For a program that an entry started: stamped on what it writes. Such a token is kept in memory only and ends with the daemon. */
  cause?: Cause
}

export interface Access {
  /** The caller behind a bearer token, compared in constant time; null when unknown, expired or revoked. */
  identify(token: string): Caller | null
  /** A new token, shown once. @throws OpenPactError AGENT_UNKNOWN */
  issue(options: IssueOptions): Promise<{ token: string; info: TokenInfo }>
  /** False when there is none with this id. @throws OpenPactError TOKEN_IS_MAIN */
  revoke(id: string): Promise<boolean>
  /** Replaces the token in the data directory's `token` file (0600); the old one stops working at once. */
  rotate(): Promise<string>
  list(): TokenInfo[]
  /**
   * Calls `fn` once when the token behind a caller of `identify` is revoked, rotated or expired; at once if it is already. For whoever
   * goes on answering after a request was let in. A caller without a token never ends. Returns what undoes it.
   */
  onEnd(caller: Caller, fn: () => void): () => void
}

export const access = serviceRef<Access>('access', 1)
