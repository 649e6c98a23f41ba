import { expect, test } from 'vitest'
import { handleOf, type LedgerAgent, type Pact } from '../../kernel/index.ts'
import { namedAgent } from './recipient.ts'

const agent = (name: string, letter: string): LedgerAgent => ({
  name,
  key: letter.repeat(64),
  identity: letter.repeat(64),
  label: null,
  revoked: false,
})

test('a name that several agents have means none of them: their handles are named', async () => {
  const agents = [agent('codex', 'a'), agent('codex', 'b'), agent('claude', 'c')]
  const pact = { agents: async () => agents } as unknown as Pact
  const handles = agents.map(({ name, key }) => handleOf(name, key))
  await expect(namedAgent(pact, 'codex')).rejects.toMatchObject({
    code: 'RECIPIENT_AMBIGUOUS',
    message: expect.stringContaining(`${handles[0]}, ${handles[1]}`),
  })
  expect(await namedAgent(pact, handles[1] as string)).toBe(agents[1])
  await expect(namedAgent(pact, 'claud')).rejects.toMatchObject({ code: 'RECIPIENT_UNKNOWN' })
})
