/** Programs for tests of triggers: real files that are really started, and the file that says when. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kernel } from '../../kernel/index.ts'
import type { Run, RunState } from '../../plugins/triggers/runs.ts'
import { triggers } from '../../plugins/triggers/service.ts'
import { eventually } from './network.ts'

export class Programs {
  readonly dir = mkdtempSync(join(tmpdir(), 'openpact-programs-'))
  readonly bin = join(this.dir, 'bin')
  readonly #path = process.env.PATH

  /** Its `bin` stands first in PATH until `dispose`. */
  constructor() {
    mkdirSync(this.bin)
    process.env.PATH = `${this.bin}:${this.#path}`
  }

  /** A data directory for a daemon that watches one trigger. Answers its path. */
  dataDir(trigger: object, config: object = {}): string {
    const dir = this.path('data')
    mkdirSync(dir, { mode: 0o700 })
    writeFileSync(join(dir, 'triggers.yaml'), JSON.stringify([trigger]), { mode: 0o600 })
    writeFileSync(join(dir, 'openpact.config.json'), JSON.stringify({ network: false, ...config }))
    return dir
  }

  /** Makes an executable script. Answers its path. */
  script(name: string, body: string, interpreter = '/bin/sh'): string {
    const file = join(this.bin, name)
    writeFileSync(file, `#!${interpreter}\n${body}\n`)
    chmodSync(file, 0o755)
    return file
  }

  /** A program that calls the daemon with its own token: `ask(method, path, body)`, with `pact` and `env` at hand. */
  agent(name: string, body: string): string {
    return this.script(
      name,
      `const env = process.env
const pact = '/v1/pacts/' + env.OPENPACT_PACT
const ask = async function(method, path, body) {
  const headers = { authorization: 'Bearer ' + env.OPENPACT_TOKEN, ...(body && { 'content-type': 'application/json' }) }
  const response = await fetch(env.OPENPACT_URL + path, { method, headers, body: body && JSON.stringify(body) })
  const json = await response.json()
  if (!response.ok) console.error(method, path, response.status, JSON.stringify(json))
  return { status: response.status, json }
}
const main = async () => {
${body}
}
main()`,
      '/usr/bin/env node',
    )
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  /** Lines of a file that programs write to; none while there is no file. */
  lines(name: string): string[] {
    return readdirSync(this.dir).includes(name) ? readFileSync(this.path(name), 'utf8').split('\n').filter(Boolean) : []
  }

  dispose(): void {
    process.env.PATH = this.#path
    rmSync(this.dir, { recursive: true, force: true })
  }
}

type TriggerKernel = Pick<Kernel, 'use' | 'dataDir'>

/** Writes triggers.yaml (JSON is YAML) and has it taken up. Answers what `list` would call their ids. */
export async function setTriggers(kernel: TriggerKernel, items: readonly object[] | string): Promise<void> {
  const all = kernel.use(triggers)
  writeFileSync(join(kernel.dataDir, 'triggers.yaml'), typeof items === 'string' ? items : JSON.stringify(items), {
    mode: 0o600,
  })
  await all.settled()
  await all.reload()
}

/** All runs of a trigger, oldest first. */
export function runsOf(kernel: TriggerKernel, id: string): Run[] {
  return kernel.use(triggers).runs.list(id, Number.MAX_SAFE_INTEGER, 1000).reverse()
}

/** Resolves when so many runs of a trigger are in a state. */
export function inState(
  kernel: TriggerKernel,
  id: string,
  state: RunState,
  count = 1,
  timeout = 15_000,
): Promise<Run[]> {
  return eventually(() => {
    const found = runsOf(kernel, id).filter(run => run.state === state)
    return found.length >= count ? found : null
  }, timeout)
}
