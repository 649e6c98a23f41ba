import { expect, it } from 'vitest'
import { openpact, temporaryDirectory } from '../test/support/daemon.ts'
import { machineWide, pasteable } from './hints.ts'
import { builtInOperations } from './known-operations.ts'

it('a command that is named acts on the data directory that was typed', () => {
  const text =
    'Run `openpact start`.\nopenpact: it is `openpact`.\n  TOKEN=x openpact list\nopenpact triggers approve t'
  expect(pasteable(text, {})).toBe(text)
  expect(pasteable(text, { dataDir: '/a' })).toBe(
    'Run `openpact --data-dir /a start`.\nopenpact: it is `openpact`.\n  TOKEN=x openpact --data-dir /a list\n' +
      'openpact --data-dir /a triggers approve t',
  )
  expect(pasteable('`openpact task list`', { dataDir: '/a', pact: 'b' })).toBe(
    '`openpact --data-dir /a --pact b task list`',
  )
  expect(pasteable('`openpact stop`', { dataDir: "/it's $1 $&" })).toBe("`openpact --data-dir '/it'\\''s $1 $&' stop`")
})

it('a pact is named in the commands that are about one, and in no other', async () => {
  expect(pasteable('`openpact list`', { pact: 'unknown' })).toBe('`openpact list`')
  const verbs = { daemon: new Set<string>(), pact: new Set<string>() }
  for (const { cli, scope } of await builtInOperations()) if (cli) verbs[scope].add(cli.path.split(' ')[0] ?? '')
  expect([...verbs.pact].filter(verb => machineWide.has(verb))).toEqual([])
  expect([...verbs.daemon].filter(verb => !machineWide.has(verb) && !verbs.pact.has(verb))).toEqual([])
})

it('an error names commands with the flags that were given, wherever they stood', async () => {
  const dir = await temporaryDirectory()
  const hint = async (...args: string[]) => (await openpact(args)).stderr.split('\n')[1]
  const at = `openpact --data-dir ${dir}`
  expect(await hint('task', 'list', `--data-dir=${dir}`, '--pact', 'work')).toBe(`  Start it with \`${at} start\`.`)
  const mistyped = await hint('--pact=old', 'task', 'lst', '--data-dir', dir, '--pact', 'work')
  expect(mistyped).toBe(`  See \`${at} --pact work task --help\`.`)
  const near = await hint('--data-dir', dir, '--pact', 'work', 'message', 'lst')
  expect(near).toBe(`  If it is what you mean: \`${at} --pact work call messages.send '{…}'\``)
})
