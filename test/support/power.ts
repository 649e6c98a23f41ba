/** What a power loss leaves behind, made on purpose: a store that went back in time, and machines that know of blocks that nobody has. */
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Hypercore from 'hypercore'
import { openStore } from '../../kernel/ledger/store.ts'

/** Keeps what is on the disk of a closed pact. @param folder the pact's own */
export async function keepDisk(folder: string): Promise<void> {
  await cp(join(folder, 'store', 'db'), join(folder, 'flushed'), { recursive: true })
}

/** Takes the disk of a closed pact back to what was kept, and the machine to another boot. @param mark its `met.json` before it closed */
export async function loseDisk(folder: string, mark: string): Promise<void> {
  const db = join(folder, 'store', 'db')
  await rm(db, { recursive: true })
  await cp(join(folder, 'flushed'), db, { recursive: true })
  await rm(join(folder, 'flushed'), { recursive: true })
  await writeFile(join(folder, 'met.json'), JSON.stringify({ ...JSON.parse(mark), boot: 'the boot before' }))
}

export function readMark(folder: string): Promise<string> {
  return readFile(join(folder, 'met.json'), 'utf8')
}

/** Lets the store of a closed pact hear how long a core is, with some of its blocks or none. @param folder of the pact that hears it */
export async function hearLength(folder: string, of: Hypercore, blocks: number[] = []): Promise<void> {
  const store = openStore(join(folder, 'store'))
  const core = store.get({ key: of.key })
  await core.ready()
  const streams = [of.replicate(true), core.replicate(false)] as const
  const closed = Promise.all(streams.map(stream => new Promise(resolve => stream.once('close', resolve))))
  for (const stream of streams) stream.on('error', () => {})
  streams[0].pipe(streams[1]).pipe(streams[0])
  while (core.length < of.length) await core.update({ wait: true })
  for (const block of blocks) await core.get(block)
  for (const stream of streams) stream.destroy()
  await closed
  await store.close()
}
