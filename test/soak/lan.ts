/**
 * Three daemons and a private DHT in network namespaces of this machine, joined by a bridge: hosts of a LAN, with addresses of their own. Links
 * are cut and the DHT is killed while all write; afterwards everybody must have everything within a minute and a half. Linux, as root.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { requireBuild, temporaryDirectory } from '../support/daemon.ts'
import { Prng } from './prng.ts'
import type { Outcome } from './run.ts'

const NAMES = ['dht', 'a', 'b', 'c'] as const
type Name = (typeof NAMES)[number]
const HOSTS = ['a', 'b', 'c'] as const
const BOOTSTRAP = '10.78.0.10:49737'
/** s that a join may take, and that it may take until everybody has what was written while one was away. */
const JOIN_LIMIT = 20
const HEAL_LIMIT = 90

class Lan {
  readonly #root: string
  #dht: ChildProcess | null = null

  constructor(root: string) {
    this.#root = root
    ip('link', 'add', 'oplan', 'type', 'bridge')
    ip('link', 'set', 'oplan', 'up')
    for (const [i, name] of NAMES.entries()) {
      ip('netns', 'add', space(name))
      ip('link', 'add', `oplan-${name}`, 'type', 'veth', 'peer', 'name', 'e0', 'netns', space(name))
      ip('link', 'set', `oplan-${name}`, 'master', 'oplan', 'up')
      for (const link of ['lo', 'e0']) ip('-n', space(name), 'link', 'set', link, 'up')
      ip('-n', space(name), 'addr', 'add', `10.78.0.${10 + i}/24`, 'dev', 'e0')
    }
  }

  startDht(): void {
    const [host = '', port = ''] = BOOTSTRAP.split(':')
    const args = ['netns', 'exec', space('dht'), process.execPath, requireBuild()]
    this.#dht = spawn('ip', [...args, 'dht', '--bind', host, '--port', port], { stdio: 'ignore' })
  }

  killDht(): void {
    this.#dht?.kill('SIGKILL')
  }

  cut(name: Name, cut: boolean): void {
    ip('-n', space(name), 'link', 'set', 'e0', cut ? 'down' : 'up')
  }

  /** What a command on a host answers. */
  async run(name: Name, ...args: string[]): Promise<Record<string, unknown>> {
    const place = ['--data-dir', join(this.#root, name), '--json']
    const child = spawn('ip', ['netns', 'exec', space(name), process.execPath, requireBuild(), ...place, ...args])
    let text = ''
    child.stdout.on('data', part => {
      text += part
    })
    await new Promise(resolve => child.once('close', resolve))
    return (text ? JSON.parse(text) : {}) as Record<string, unknown>
  }

  start(name: Name) {
    return this.run(name, 'start', '--bootstrap', BOOTSTRAP)
  }

  write(name: Name, content: string) {
    return this.run(name, 'call', 'knowledge.record', JSON.stringify({ topic: 'lan', content }))
  }

  async holds(name: Name): Promise<string[]> {
    const { entries } = await this.run(name, 'call', 'knowledge.list', '{"topic":"lan","limit":1000}')
    return ((entries ?? []) as { id: string }[]).map(({ id }) => id)
  }

  async close(): Promise<void> {
    for (const name of HOSTS) await this.run(name, 'stop')
    this.killDht()
    for (const name of NAMES) ip('netns', 'del', space(name))
    ip('link', 'del', 'oplan')
  }
}

export async function lan(seed: number, rounds: number, progress: (line: string) => void): Promise<Outcome> {
  const started = performance.now()
  const prng = new Prng(seed)
  const root = await temporaryDirectory()
  const net = new Lan(root)
  const faults: string[] = []
  const written: string[] = []
  let kills = 0
  const write = async (...names: Name[]) => {
    for (const name of names) {
      const { id } = await net.write(name, `${name} ${written.length}`)
      if (typeof id === 'string') written.push(id)
      else faults.push(`${name} could not write`)
    }
  }
  const healed = async (what: string) => {
    const since = performance.now()
    const seconds = () => Math.round((performance.now() - since) / 100) / 10
    for (const name of HOSTS) {
      while (written.some(id => !held.get(name)?.has(id)) && seconds() < HEAL_LIMIT) {
        held.set(name, new Set(await net.holds(name)))
        await pause(500)
      }
      const lacks = written.filter(id => !held.get(name)?.has(id)).length
      if (lacks > 0) faults.push(`${name} lacks ${lacks} entries ${HEAL_LIMIT} s after ${what}`)
    }
    progress(`${what}: everybody has all ${written.length} entries after ${seconds()} s`)
  }
  const held = new Map<Name, Set<string>>()
  try {
    net.startDht()
    await pause(3000)
    for (const name of HOSTS) await net.start(name)
    await net.run('a', 'init', '--name', 'LAN', '--alias', 'lan')
    const { token } = await net.run('a', 'invite', '--max-uses', '2')
    for (const name of ['b', 'c'] as const) {
      const since = performance.now()
      const { state } = await net.run(name, 'join', String(token))
      const seconds = Math.round((performance.now() - since) / 100) / 10
      if (state !== 'joined' || seconds > JOIN_LIMIT) faults.push(`${name} was not in after ${seconds} s`)
      progress(`${name} joined in ${seconds} s`)
    }
    for (let round = 1; round <= rounds; round++) {
      const away = prng.chance(0.5) ? 'b' : 'c'
      net.cut(away, true)
      await write(...HOSTS)
      await pause(20_000)
      net.cut(away, false)
      await healed(`the link of ${away} was cut for 20 s`)
      net.killDht()
      await net.run(away, 'stop')
      await net.start(away)
      kills++
      await write(...HOSTS)
      await pause(20_000)
      net.startDht()
      await healed(`${away} started without a DHT, which came back`)
    }
  } finally {
    await net.close()
    await rm(root, { recursive: true, force: true })
  }
  const ms = performance.now() - started
  const none = { closes: 0, reverts: 0, nudges: 0, repairs: 0, waits: 0, kept: null }
  return { seed, faults, entries: written.length, kills, ms, ...none }
}

function ip(...args: string[]): void {
  execFileSync('ip', args)
}

function space(name: Name): string {
  return `oplan-${name}`
}
