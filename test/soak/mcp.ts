/**
 * Twenty MCP clients write at once, over HTTP and over both programs for stdio, while the daemon is killed under them again and again.
 * Each repeats a call that failed under the same key: at the end every entry is there, and none is there twice.
 */
import { fileURLToPath } from 'node:url'
import { eventually, TestDaemon } from '../support/daemon.ts'
import { type Connected, overHttp, overStdio } from '../support/mcp.ts'
import { Prng } from './prng.ts'
import type { Outcome } from './run.ts'

const CLIENTS = 20
const EACH = 50
/** Source and build hold it at different depths. */
const offline = fileURLToPath(new URL('../../', import.meta.url)).replace(/dist[\\/]$/, '')

export async function mcp(seed: number, kills: number, progress: (line: string) => void): Promise<Outcome> {
  const started = performance.now()
  const prng = new Prng(seed)
  const daemon = await TestDaemon.start({
    args: ['--config', `${offline}test/support/offline.config.json`, '--first-pact'],
  })
  const ways = [
    async () => overHttp(daemon.url, daemon.token),
    async () => overStdio(['mcp', '--data-dir', daemon.dataDir]),
    async () => overStdio(['--data-dir', daemon.dataDir], 'mcp'),
  ]
  let written = 0
  let repeated = 0

  const client = async (number: number) => {
    const open = ways[number % ways.length]!
    let connected: Connected = await open()
    for (let n = 0; n < EACH; n++) {
      const input = { topic: 'soak', content: `${number}-${n}` }
      // Whatever fails while the daemon is away is tried again; over HTTP in a session of its own, as that ended with the daemon.
      await eventually(`${number}-${n}`, async () => {
        try {
          if (!(await connected.tool('record_knowledge', input, `${seed}-${number}-${n}`)).isError) return true
        } catch {
          connected = await open().catch(() => connected)
        }
        repeated++
        return false
      })
      written++
    }
    await connected.close().catch(() => {})
  }

  const faults: string[] = []
  try {
    const all = Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
    for (let kill = 1; kill <= kills; kill++) {
      const at = Math.floor((CLIENTS * EACH * kill) / (kills + 1))
      await eventually(`entry ${at}`, async () => written >= at, 120_000)
      await (prng.chance(0.5) ? daemon.kill9() : daemon.stop())
      await daemon.start()
      progress(`restarted after ${at} entries`)
    }
    await all
    const path = '/v1/pacts/first/knowledge?topic=soak&limit=1000'
    const { body } = await daemon.get<{ entries: { payload: { content: string } }[] }>(path)
    const found = body.entries.map(({ payload }) => payload.content).sort()
    const wanted = Array.from({ length: CLIENTS * EACH }, (_, i) => `${Math.floor(i / EACH)}-${i % EACH}`).sort()
    if (found.length !== wanted.length) faults.push(`${found.length} entries instead of ${wanted.length}`)
    for (const content of wanted) if (!found.includes(content)) faults.push(`${content} is lost`)
    progress(`${written} calls were answered, ${repeated} were repeated`)
  } finally {
    await daemon.dispose()
  }
  const ms = performance.now() - started
  const none = { closes: 0, reverts: 0, nudges: 0, repairs: 0, waits: 0, kept: null }
  return { seed, faults, entries: written, kills, ms, ...none }
}
