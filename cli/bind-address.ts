/** Whether this machine can listen at an address, known before anything else is started. */
import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { OpenPactError } from '../kernel/errors.ts'

/**
 * Tries the address itself, instead of looking for it among those of the interfaces: a system may let more be bound (127.0.0.2).
 * @throws OpenPactError BIND_UNKNOWN
 */
export async function checkBind(address: string): Promise<void> {
  const version = isIP(address)
  if (version === 0) throw unknown(address, undefined)
  const socket = createSocket(version === 6 ? 'udp6' : 'udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(0, address, resolve)
    })
  } catch (cause) {
    throw unknown(address, cause)
  } finally {
    socket.close()
  }
}

function unknown(address: string, cause: unknown): OpenPactError {
  const all = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  // One that needs its interface named beside it is none to give.
  const own = all.filter(({ scopeid }) => !scopeid).map(each => each.address)
  return new OpenPactError('BIND_UNKNOWN', { address, own: own.join(', ') }, { cause })
}
