/** Runs operations for any surface: finds, checks the input, authorises, runs, checks that errors are coded. */
import { type OpenPactError, serviceRef } from '../../kernel/index.ts'
import type { Caller, Operation } from './operation.ts'

export interface Invocation {
  /** Null when the caller showed no token: only `open` operations run. */
  caller: Caller | null
  /** Alias or 64-hex id; required for scope `pact`. */
  pact?: string
  signal?: AbortSignal
  /** 1–255 printable ASCII characters; ignored for `open` and `read` operations. */
  idempotencyKey?: string
  /** The input came as text (a query string): numbers, booleans and lists are made of it as the schema asks. */
  text?: boolean
}

export interface Answer {
  output: unknown
  /** True when the operation called `call.pending()`. */
  pending: boolean
}

/** Told of every call of a known operation when it has ended: its name, how long it took in ms, how it failed. Must not throw. */
export type Observer = (name: string, ms: number, error: OpenPactError | null) => void

export interface Operations {
  list(): readonly Operation[]
  /** The plugin that contributed an operation; undefined for an unknown name. */
  owner(name: string): string | undefined
  /**
   * Runs an operation. `input` is taken over: defaults are filled into it.
   * @throws OpenPactError, always coded: INVALID_INPUT, UNAUTHENTICATED, OUT_OF_SCOPE, PACT_UNKNOWN, the operation's own …
   */
  invoke(name: string, input: unknown, invocation: Invocation): Promise<Answer>
  /** Returns its undo. */
  observe(fn: Observer): () => void
}

export const operations = serviceRef<Operations>('operations', 1)
