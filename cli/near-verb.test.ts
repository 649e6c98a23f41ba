import { Command } from 'commander'
import { expect, it } from 'vitest'
import { refuseNearVerb } from './near-verb.ts'

it('takes a lone word that is nearly a verb for a slip, and nothing else', async () => {
  const given: string[][] = []
  const program = new Command().exitOverride()
  const message = program
    .command('message')
    .argument('[content...]')
    .action(() => {
      refuseNearVerb(message, 'the other way')
      given.push(message.args)
    })
  message.command('list').action(() => {})
  const run = (...args: string[]) => program.parseAsync(['message', ...args], { from: 'user' })
  await expect(run('lits')).rejects.toMatchObject({
    code: 'USAGE',
    details: { reason: '"lits" is no verb of "message". Did you mean "list"?', hint: 'the other way' },
  })
  for (const args of [['hello'], ['lits', 'of things'], ['a list'], ['./lits'], []]) await run(...args)
  expect(given).toEqual([['hello'], ['lits', 'of things'], ['a list'], ['./lits'], []])
})
