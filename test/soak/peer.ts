/** How a run holds its peers: in this process, or each in its own, which can be killed. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Actor, type ActorOptions, type Where } from './actor.ts'

export type Method = Exclude<keyof Actor, 'start' | 'stop'>
type Result<M extends Method> = Awaited<ReturnType<Actor[M]>>

/** The peer was killed or closed before it answered. */
export class Gone extends Error {}

const LIMIT = 60_000

export abstract class Peer {
  readonly name: string
  readonly options: ActorOptions
  where: Where | null = null
  up = false
  /** Counts closes, kills and deaths: what was asked in an earlier life may fail. */
  life = 0
  /** Called whenever the peer's view moved. */
  onmoved: () => void = () => {}
  /** Called when the peer ended by itself. */
  ondied: (reason: string) => void = () => {}

  constructor(root: string, name: string) {
    this.name = name
    this.options = {
      dir: join(root, name),
      socket: join(root, `${name}.sock`),
      logFile: join(root, `${name}.log`),
    }
  }

  abstract start(): Promise<void>
  abstract stop(): Promise<void>
  abstract kill(): Promise<void>
  abstract call<M extends Method>(method: M, ...args: Parameters<Actor[M]>): Promise<Result<M>>

  protected ends(): void {
    this.up = false
    this.where = null
    this.life++
  }

  protected readonly moved = (where: Where): void => {
    this.where = where
    this.onmoved()
  }

  /**
   * Answers as `promise` does, or fails when that takes too long: a peer that hangs is a finding, not a wait for ever. Only writes may
   * take as long as they like: one that needs blocks that are not there waits for others.
   */
  protected async within<T>(what: string, promise: Promise<T>): Promise<T> {
    if (what === 'write') return promise
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.name} hangs: ${what} took more than ${LIMIT / 1000} s`)), LIMIT)
    })
    return Promise.race([promise, late]).finally(() => clearTimeout(timer))
  }
}

export class LocalPeer extends Peer {
  private actor: Actor | null = null

  async start(): Promise<void> {
    const actor = new Actor(this.options, this.moved)
    await this.within('start', actor.start())
    this.actor = actor
    this.up = true
  }

  async stop(): Promise<void> {
    const { actor } = this
    this.actor = null
    this.ends()
    if (actor) await this.within('close', actor.stop())
  }

  kill(): Promise<void> {
    throw new Error('a peer in this process cannot be killed')
  }

  async call<M extends Method>(method: M, ...args: Parameters<Actor[M]>): Promise<Result<M>> {
    if (!this.actor) throw new Gone()
    const run = this.actor[method] as (...args: unknown[]) => Promise<Result<M>>
    return this.within(method, Promise.resolve(run.apply(this.actor, args)))
  }
}

/** What goes to and fro between a run and its child processes. */
export interface Call {
  call: number
  method: string
  args: unknown[]
}
export type Told = { moved: Where } | { answered: number; result?: unknown; error?: string }

export class ProcessPeer extends Peer {
  private child: ChildProcess | null = null
  private calls = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  private nextCall = 1

  async start(): Promise<void> {
    const err = openSync(this.options.logFile, 'a')
    const child = fork(fileURLToPath(new URL('./child.js', import.meta.url)), [JSON.stringify(this.options)], {
      stdio: ['ignore', err, err, 'ipc'],
    })
    closeSync(err)
    this.child = child
    child.on('message', (told: Told) => this.hear(told))
    child.on('exit', (code, signal) => {
      for (const { reject } of this.calls.values()) reject(new Gone())
      this.calls.clear()
      if (this.child !== child) return
      this.child = null
      this.ends()
      this.ondied(`${this.name} died by itself (${signal ?? code}); its log is ${this.options.logFile}`)
    })
    await this.send('start', [])
    this.up = true
  }

  async stop(): Promise<void> {
    const { child } = this
    if (!child) return
    this.ends()
    try {
      await this.send('stop', [])
    } finally {
      await this.end(child)
    }
  }

  async kill(): Promise<void> {
    this.ends()
    if (this.child) await this.end(this.child)
  }

  call<M extends Method>(method: M, ...args: Parameters<Actor[M]>): Promise<Result<M>> {
    return this.send(method, args) as Promise<Result<M>>
  }

  private async end(child: ChildProcess): Promise<void> {
    this.child = null
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  private send(method: string, args: unknown[]): Promise<unknown> {
    const { child } = this
    if (!child?.connected) return Promise.reject(new Gone())
    const call = this.nextCall++
    const answer = new Promise((resolve, reject) => this.calls.set(call, { resolve, reject }))
    // A child that dies while this is sent is heard of by its exit.
    child.send({ call, method, args } satisfies Call, () => {})
    return this.within(method, answer)
  }

  private hear(told: Told): void {
    if ('moved' in told) {
      if (this.up) this.moved(told.moved)
      return
    }
    const waiting = this.calls.get(told.answered)
    this.calls.delete(told.answered)
    if (told.error === undefined) waiting?.resolve(told.result)
    else waiting?.reject(new Error(told.error))
  }
}
