/** The baseline: a bare encrypted Autobase with one plain log view, in a process of its own. Everything here is commands over IPC. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Run } from './measure.ts'

/** What each command takes and answers. */
export interface Commands {
  /** Opens a base, a new one when there is no key. Answers once the view can be read. */
  open: {
    in: { directory: string; key?: string; secret?: string }
    out: { key: string; secret: string; length: number }
  }
  append: { in: { count: number; inFlight: number }; out: Run }
  /** Appends one block; answers when the append began, on the clock that processes share, ms. */
  appendOne: { in: object; out: number }
  /** Gets blocks of the view: at random, or the newest ones. */
  get: { in: { count: number; newest?: boolean }; out: Run }
  /** Meets others over Hyperswarm on a private DHT. */
  meet: { in: { bootstrap: string }; out: null }
  /** Resolves when the view has a length and its last block can be read, with the moment of it on the shared clock, ms. */
  reach: { in: { length: number }; out: number }
  /** As `reach`, for all blocks. */
  fetch: { in: { length: number }; out: number }
  close: { in: object; out: null }
}

export type Command = keyof Commands
export interface Request<C extends Command = Command> {
  id: number
  command: C
  input: Commands[C]['in']
}
export interface Reply {
  id: number
  output?: unknown
  error?: string
}

export class RawPeer {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(output: never): void; reject(error: Error): void }>()
  #next = 0

  constructor() {
    this.#child = fork(fileURLToPath(new URL('./raw-child.js', import.meta.url)))
    this.#child.on('message', ({ id, output, error }: Reply) => {
      const call = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) call?.resolve(output as never)
      else call?.reject(new Error(error))
    })
    this.#child.on('exit', code => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the bare Autobase ended with ${code}`))
    })
  }

  get pid(): number {
    return this.#child.pid as number
  }

  ask<C extends Command>(command: C, input: Commands[C]['in']): Promise<Commands[C]['out']> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, command, input } satisfies Request<C>)
    })
  }

  /** Closes the base and ends the process, unless it has ended. */
  async end(): Promise<void> {
    if (!this.#child.connected) return
    const gone = new Promise(resolve => {
      this.#child.once('exit', resolve)
    })
    await this.ask('close', {})
    this.#child.disconnect()
    await gone
  }
}
