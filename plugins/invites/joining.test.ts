import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Network } from '../../test/support/network.ts'

let net: Network
beforeEach(async () => {
  net = await Network.open()
})
afterEach(() => net.close())

describe('joining', () => {
  it('lets a newcomer in by a token, who can read and write at once', async () => {
    const founder = await net.founder()
    const { token } = await founder.get<{ token: string }>('invites.create')
    const newcomer = await net.machine()
    const t0 = performance.now()
    const joined = await newcomer.get<{ state: string; alias: string }>('pacts.join', { token })
    console.log('joined in', performance.now() - t0)
    expect(joined).toMatchObject({ state: 'joined', alias: 'test' })
  })
})
