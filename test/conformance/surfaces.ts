/**
 * Every way to call an operation, each as one small adapter. To add a surface, write a class with `name`, `offers`, `call` and `close`,
 * and name it in `surfaces`: every operation and every example then goes through it too.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { Client } from '../../cli/client.ts'
import { durationUnit } from '../../cli/duration.ts'
import { asFailure } from '../../cli/errors.ts'
import { addOperations } from '../../cli/generated.ts'
import type { OperationInfo } from '../../cli/known-operations.ts'
import { fieldsOf } from '../../cli/schema.ts'
import { Session } from '../../cli/session.ts'
import { flagOf } from '../../cli/typed.ts'
import { connect, OpenPactError } from '../../sdk/index.ts'
import type { TestDaemon } from '../support/daemon.ts'
import { OverMcp } from './mcp-surface.ts'

/** What an operation came to: its output, or its error. */
export type Outcome = { output: unknown } | { code: string; message: string; help: string }

export interface Target {
  /** Alias or id. */
  pact: string
  /** The daemon's own token if absent. */
  token?: string
}

export interface Surface {
  readonly name: string
  offers(operation: OperationInfo): boolean
  call(operation: OperationInfo, input: Record<string, unknown>, target: Target): Promise<Outcome>
  close?(): Promise<void>
}

export function surfaces(daemon: TestDaemon): Surface[] {
  return [new OverHttp(daemon), new OnCommandLine(daemon), new InSdk(daemon), new OverMcp(daemon)]
}

/** As it is now: an example replaces it. */
function mainToken({ dataDir }: TestDaemon): string {
  return readFileSync(join(dataDir, 'token'), 'utf8').trim()
}

/** HTTP alone, as curl would do it. */
class OverHttp implements Surface {
  readonly name = 'http'
  readonly #daemon: TestDaemon

  constructor(daemon: TestDaemon) {
    this.#daemon = daemon
  }

  offers(): boolean {
    return true
  }

  async call(operation: OperationInfo, input: Record<string, unknown>, { pact, token }: Target): Promise<Outcome> {
    const rest = { ...input }
    const path = operation.path.replace(/:(\w+)/g, (_, name: string) => {
      const value = operation.params.includes(name) ? rest[name] : pact
      if (operation.params.includes(name)) delete rest[name]
      return encodeURIComponent(String(value))
    })
    const query = new URLSearchParams()
    if (operation.query) {
      for (const [name, value] of Object.entries(rest))
        for (const each of [value].flat()) query.append(name, String(each))
    }
    const response = await fetch(`${this.#daemon.url}${path}${query.size > 0 ? `?${query}` : ''}`, {
      method: operation.method,
      headers: {
        authorization: `Bearer ${token ?? mainToken(this.#daemon)}`,
        ...(operation.query ? {} : { 'content-type': 'application/json' }),
      },
      ...(operation.query ? {} : { body: JSON.stringify(rest) }),
    })
    const body = (await response.json()) as Record<string, string>
    if (response.ok) return { output: body }
    return { code: body.error ?? '', message: body.message ?? '', help: body.help ?? '' }
  }
}

/** The verbs that the command line makes of operations, in this process: a process for each call would take minutes. */
class OnCommandLine implements Surface {
  readonly name = 'cli'
  readonly #daemon: TestDaemon

  constructor(daemon: TestDaemon) {
    this.#daemon = daemon
  }

  offers(operation: OperationInfo): boolean {
    return operation.cli !== undefined
  }

  async call(operation: OperationInfo, input: Record<string, unknown>, { pact, token }: Target): Promise<Outcome> {
    const session = new CapturedSession(this.#daemon, pact, token)
    const program = new Command().exitOverride().configureOutput({ writeErr: () => {} })
    addOperations(program, [operation], () => session)
    try {
      await program.parseAsync([...operation.cli!.path.split(' '), ...this.#words(operation, input)], { from: 'user' })
      return { output: JSON.parse(session.text) }
    } catch (error) {
      const { code, message, help } = asFailure(error)
      return { code, message, help }
    }
  }

  /** An input as it is typed. */
  #words({ input: schema, cli }: OperationInfo, input: Record<string, unknown>): string[] {
    const { properties } = fieldsOf(schema)
    const positional = cli?.args ?? []
    const text = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value))
    const flags = Object.entries(input).flatMap(([name, value]) => {
      const field = properties[name] ?? {}
      if (positional.includes(name)) return []
      const flag = `--${flagOf(name, field)}`
      if (typeof value === 'boolean') return value ? [flag] : []
      const unit = durationUnit(field)
      return [value].flat().flatMap(each => [flag, unit && unit !== 'text' ? `${each}${unit}` : text(each)])
    })
    const args = positional.flatMap(name => {
      if (!(name in input)) return []
      return name === cli?.file ? [this.#file(String(input[name]))] : [input[name]].flat().map(text)
    })
    return [...flags, '--', ...args]
  }

  /** What is typed as a file is read from one. */
  #file(text: string): string {
    const file = join(this.#daemon.dataDir, 'typed.txt')
    writeFileSync(file, text)
    return file
  }
}

class CapturedSession extends Session {
  readonly #token: string
  text = ''

  constructor(daemon: TestDaemon, pact: string, token: string | undefined) {
    super({ dataDir: daemon.dataDir, pact, json: true })
    this.#token = token ?? mainToken(daemon)
  }

  override clientOf({ url }: { url: string }): Client {
    return new Client({ url, token: this.#token, log: this.place.logFile })
  }

  override write(text: string): void {
    this.text += text
  }
}

/** `@openpact/sdk`. */
class InSdk implements Surface {
  readonly name = 'sdk'
  readonly #daemon: TestDaemon

  constructor(daemon: TestDaemon) {
    this.#daemon = daemon
  }

  offers(): boolean {
    return true
  }

  async call({ name }: OperationInfo, input: Record<string, unknown>, { pact, token }: Target): Promise<Outcome> {
    const client = await connect({ dataDir: this.#daemon.dataDir, pact, token })
    try {
      return { output: await client.invoke(name, input) }
    } catch (error) {
      if (!(error instanceof OpenPactError)) throw error
      const { code, message, help } = error
      return { code, message, help }
    }
  }
}
