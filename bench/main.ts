/** `npm run bench [-- phase…] [--quick] [--out file.json]`: real daemons beside bare Autobases, on this machine, in turns. */
import { writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { Bench } from './bench.ts'
import { context } from './phases/context.ts'
import { deliveries } from './phases/deliveries.ts'
import { growth } from './phases/growth.ts'
import { joiner } from './phases/joiner.ts'
import { pacts } from './phases/pacts.ts'
import { replication } from './phases/replication.ts'
import { writes } from './phases/writes.ts'
import { Report } from './report.ts'

const phases: Record<string, (bench: Bench) => Promise<void>> = {
  writes,
  growth,
  replication,
  joiner,
  pacts,
  deliveries,
  context,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, out: { type: 'string' } },
})
const unknown = positionals.filter(name => !Object.hasOwn(phases, name))
if (unknown.length > 0) {
  console.error(`Unknown phase ${unknown.join(', ')}. Known: ${Object.keys(phases).join(', ')}.`)
  process.exit(2)
}

const machine = {
  date: new Date().toISOString(),
  node: process.version,
  cpus: cpus().length,
  model: cpus()[0]?.model.trim(),
  load: loadavg().map(load => Math.round(load * 100) / 100),
  quick: values.quick,
}
console.log(`${machine.date}, Node ${machine.node}, ${machine.cpus} × ${machine.model}, load ${machine.load.join(' ')}`)
if (values.quick) console.log('Quick: too few repetitions for a judgement.')

let current = ''
const report = new Report(() => current)
const bench = await Bench.open(report, values.quick)
try {
  for (const name of positionals.length > 0 ? positionals : Object.keys(phases)) {
    current = name
    console.log(`\n${name}`)
    await phases[name]?.(bench)
    await bench.endPhase()
  }
} finally {
  await bench.close()
}
report.close()
if (values.out) {
  const { rows, marks } = report
  await writeFile(values.out, `${JSON.stringify({ machine, rows, marks }, null, 2)}\n`)
}
