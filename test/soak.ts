/**
 * Long random runs against the real ledger, repeated by seed. Exit code 1 when a run failed.
 *
 *   npm run soak -- convergence [--runs 50]   two and three peers, one indexer, closes, in one process
 *   npm run soak -- indexers [--runs 100]     three indexers, kill -9, a change of indexers half-way, a process each
 *   npm run soak -- writes [--rounds 20]      one process killed while it writes
 *   npm run soak -- webhooks [--rounds 10]    a daemon killed while it delivers to receivers that fail, 1,000 entries a round
 *   npm run soak -- mcp [--rounds 4]          20 MCP clients over HTTP and stdio, 1,000 entries, the daemon killed under them
 *   npm run soak -- triggers [--rounds 20]    ten daemons with the same trigger, one of them killed in the middle of a run
 *   npm run soak -- crowd [--seconds 120]     two daemons, sixteen agents, eight pacts
 *   npm run soak -- power [--rounds 40]       three machines, one of which loses power and its last writes
 *   npm run soak -- lan [--rounds 2]          three hosts in network namespaces, links cut, the DHT killed; Linux, as root, with iproute2
 *   npm run soak -- package                   the tarball, installed in three ways and used; needs the network
 *
 * `--seed N` runs one seed, `--from N` starts there, `--out FILE` keeps results line by line and goes on where it stopped.
 */
import { parseArgs } from 'node:util'
import { crowd } from './soak/crowd.ts'
import { lan } from './soak/lan.ts'
import { mcp } from './soak/mcp.ts'
import { packageSoak } from './soak/package.ts'
import { power } from './soak/power.ts'
import { Results } from './soak/results.ts'
import { type Outcome, run } from './soak/run.ts'
import { convergence, indexers } from './soak/shapes.ts'
import { triggers } from './soak/triggers.ts'
import { webhooks } from './soak/webhooks.ts'
import { writes } from './soak/writes.ts'

const usage =
  'Usage: npm run soak -- convergence|indexers|writes|mcp|triggers|crowd|power|lan|package [--runs N] [--rounds N] [--seconds N] [--seed N] [--from N] [--out FILE]'
const kinds = {
  convergence: { runs: 50, one: (seed: number) => run(seed, convergence(seed)) },
  indexers: { runs: 100, one: (seed: number) => run(seed, indexers()) },
  writes: { runs: 1, one: (seed: number) => writes(seed, number('rounds', 20), line => console.log(`  ${line}`)) },
  power: { runs: 1, one: (seed: number) => power(seed, number('rounds', 40), line => console.log(`  ${line}`)) },
  webhooks: {
    runs: 1,
    one: (seed: number) => {
      const rounds = number('rounds', 10)
      return webhooks(seed, 1000 * rounds, rounds, line => console.log(`  ${line}`))
    },
  },
  mcp: { runs: 1, one: (seed: number) => mcp(seed, number('rounds', 4), line => console.log(`  ${line}`)) },
  triggers: { runs: 1, one: (seed: number) => triggers(seed, number('rounds', 20), line => console.log(`  ${line}`)) },
  crowd: { runs: 1, one: (seed: number) => crowd(seed, number('seconds', 120), line => console.log(`  ${line}`)) },
  lan: { runs: 1, one: (seed: number) => lan(seed, number('rounds', 2), line => console.log(`  ${line}`)) },
  package: { runs: 1, one: (seed: number) => packageSoak(seed, line => console.log(`  ${line}`)) },
}

const { positionals, values } = parseArguments()
const kind = positionals[0] as keyof typeof kinds

function parseArguments() {
  try {
    const option = { type: 'string' } as const
    const options = { runs: option, rounds: option, seconds: option, seed: option, from: option, out: option }
    const parsed = parseArgs({ allowPositionals: true, options })
    if (parsed.positionals.length === 1 && Object.hasOwn(kinds, parsed.positionals[0] as string)) return parsed
    return stop(usage)
  } catch (error) {
    return stop(`${error instanceof Error ? error.message : error}\n${usage}`)
  }
}

function stop(message: string): never {
  console.error(message)
  process.exit(2)
}

function number(name: 'runs' | 'rounds' | 'seconds' | 'seed' | 'from', standard: number): number {
  const text = values[name]
  if (text === undefined) return standard
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : stop(`--${name} takes a whole number from 1\n${usage}`)
}

function describe({ seed, faults, entries, closes, kills, reverts, nudges, repairs, waits, ms }: Outcome): string {
  const did = `${entries} entries, ${closes} closes, ${kills} kills, ${reverts} reorders`
  const extra = `${nudges > 0 ? `, ${nudges} nudges` : ''}${repairs > 0 ? `, ${repairs} repairs` : ''}${waits > 0 ? `, ${waits} writes waited` : ''}`
  return `seed ${seed}  ${faults.length === 0 ? 'clean ' : 'FAILED'}  ${(ms / 1000).toFixed(1)} s  ${did}${extra}`
}

const results = new Results(values.out ?? null)
const from = number('seed', number('from', 1))
const runs = values.seed === undefined ? number('runs', kinds[kind].runs) : 1
for (let seed = from; seed < from + runs; seed++) {
  if (results.has(seed)) continue
  const outcome = await kinds[kind].one(seed)
  results.add(outcome)
  console.log(describe(outcome))
  if (outcome.faults.length === 0) continue
  for (const fault of outcome.faults.slice(0, 12)) console.log(`    ${fault}`)
  console.log(`    data kept in ${outcome.kept}; repeat with: npm run soak -- ${kind} --seed ${seed}`)
}
console.log(`${kind}\n${results.table()}`)
if (results.failed.length > 0) console.log(`  failed seeds: ${results.failed.map(o => o.seed).join(', ')}`)
process.exit(results.failed.length > 0 ? 1 : 0)
