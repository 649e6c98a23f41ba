/** One peer in its own process; see `ProcessPeer`. */
import { isOpenPactError } from '../../kernel/index.ts'
import { Actor, type ActorOptions } from './actor.ts'
import type { Call, Told } from './peer.ts'

const tell = (told: Told): void => void process.send?.(told)
const actor = new Actor(JSON.parse(process.argv[2] as string) as ActorOptions, moved => tell({ moved }))

process.on('message', async ({ call, method, args }: Call) => {
  try {
    const run = actor[method as keyof Actor] as (...args: unknown[]) => unknown
    tell({ answered: call, result: await run.apply(actor, args) })
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    tell({ answered: call, error: isOpenPactError(error) ? `${error.code}: ${text}` : text })
  }
})
// The run that started this process is gone.
process.on('disconnect', () => process.exit(1))
