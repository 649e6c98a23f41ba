import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { asFailure } from './errors.ts'
import { addOperations } from './generated.ts'
import { builtInOperations, type OperationInfo } from './known-operations.ts'
import { Session } from './session.ts'
import { textOf } from './text-file.ts'
import { descriptionOf, inputOf } from './typed.ts'

const create: OperationInfo = {
  name: 'tasks.create',
  summary: 'Add a task',
  method: 'POST',
  path: '/v1/pacts/:pactId/tasks',
  params: [],
  query: false,
  scope: 'pact',
  cli: { path: 'task add', args: ['title'] },
  input: {
    type: 'object',
    required: ['title'],
    properties: {
      title: { type: 'string' },
      priority: { type: 'integer' },
      share: { anyOf: [{ type: 'number' }, { const: 'half' }] },
      lease_ms: {
        type: 'integer',
        minimum: 1000,
        maximum: 86_400_000,
        description: 'How long it holds, in ms (60000)',
      },
      wait: { type: 'number', maximum: 30, description: 'Seconds to wait' },
      expires_in: { type: 'string', pattern: '^(never|[1-9][0-9]{0,5}[smhd])$' },
      urgent: { type: 'boolean' },
      depends_on: { type: 'array', items: { type: 'string' } },
      refs: { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'object' }] } },
      types: { anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'null' }] },
      quotas: { type: 'object' },
      topic: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
      until: { anyOf: [{ const: 'applied' }, { const: 'confirmed' }] },
    },
  },
}
const claim: OperationInfo = {
  ...create,
  name: 'tasks.claim',
  summary: 'Claim',
  cli: { path: 'task claim', args: ['id'] },
}

function typed(operation: OperationInfo, words: string[]): Record<string, unknown> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} })
  addOperations(program, [operation], () => new Session({}))
  let input: Record<string, unknown> | null = null
  const [group] = program.commands
  const [command] = group?.commands ?? []
  command?.exitOverride().configureOutput({ writeErr: () => {} })
  command?.action((...received: unknown[]) => {
    input = inputOf(operation, received.at(-1) as Command)
  })
  program.parse(['task', 'add', ...words], { from: 'user' })
  return input ?? {}
}

describe('generated verbs', () => {
  it('take arguments and flags by the types of the schema', () => {
    const words = ['Fix it', '--priority', '2', '--lease', '5s', '--urgent', '--until', 'confirmed']
    expect(typed(create, words)).toEqual({
      title: 'Fix it',
      priority: 2,
      lease_ms: 5000,
      urgent: true,
      until: 'confirmed',
    })
  })

  it('repeat a flag for a list, and take JSON where an object may stand', () => {
    const words = [
      'x',
      '--depends-on',
      'a-1',
      '--depends-on',
      'a-2',
      '--refs',
      'b-1',
      '--refs',
      '{"id":"b-2","type":"supports"}',
    ]
    expect(typed(create, words)).toEqual({
      title: 'x',
      depends_on: ['a-1', 'a-2'],
      refs: ['b-1', { id: 'b-2', type: 'supports' }],
    })
  })

  it('say null where that may stand for a list, and a list as JSON, also an empty one', () => {
    const types = (...words: string[]) => typed(create, ['x', ...words.flatMap(word => ['--types', word])]).types
    expect(types('null')).toBeNull()
    expect(types('[]')).toEqual([])
    expect(types('["a", "b"]')).toEqual(['a', 'b'])
    expect(types('a')).toEqual(['a'])
    expect(types('a', 'null')).toEqual(['a', 'null'])
    expect(types('[a')).toEqual(['[a'])
    expect(() => types('[a]')).toThrow(expect.objectContaining({ code: 'USAGE' }))
    expect(typed(create, ['x', '--topic', '[a]']).topic).toEqual(['[a]'])
    expect(typed(create, ['x', '--depends-on', 'null']).depends_on).toEqual(['null'])
  })

  it('take spans of time in one form, whatever the field counts in', () => {
    const lease = (text: string) => typed(create, ['x', '--lease', text]).lease_ms
    expect(['1500ms', '30', '30s', '0.5m', '24h', '1d'].map(lease)).toEqual([
      1500, 30_000, 30_000, 30_000, 86_400_000, 86_400_000,
    ])
    expect(typed(create, ['x', '--wait', '500ms', '--expires-in', '90']).wait).toBe(0.5)
    expect(typed(create, ['x', '--expires-in', '90']).expires_in).toBe('90s')
    expect(typed(create, ['x', '--expires-in', 'never']).expires_in).toBe('never')
    const ends = (text: string) => typed(create, ['x', '--expires-in', text]).expires_in
    expect(['24h', '1500ms', '1.5h'].map(ends)).toEqual(['24h', '2s', '5400s'])
    for (const text of ['500ms', '-5s'])
      expect(() => ends(text), text).toThrow(
        expect.objectContaining({ code: 'USAGE', help: expect.stringContaining('Possible is 1s and more.') }),
      )
    for (const text of ['soon', '5 s', '-5s', '0.5s', '2d', '1e3']) {
      expect(() => lease(text), text).toThrow(
        expect.objectContaining({ code: 'USAGE', help: expect.stringContaining('1s to 1d') }),
      )
    }
  })

  it('take numbers in decimal digits alone', () => {
    const priority = (text: string) => typed(create, ['x', `--priority=${text}`]).priority
    const share = (text: string) => typed(create, ['x', `--share=${text}`]).share
    expect(['0', '12', '-3'].map(priority)).toEqual([0, 12, -3])
    expect(['1', '0.5'].map(share)).toEqual([1, 0.5])
    expect(share('half')).toBe('half')
    for (const text of ['0x10', '1e2', ' 5 ', '5.0', '', 'high'])
      expect(() => priority(text), text).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining('"priority"') }),
      )
  })

  it('say so when JSON is broken', () => {
    let failure: unknown
    try {
      typed(create, ['x', '--refs', '{"id":'])
    } catch (error) {
      failure = error
    }
    expect(asFailure(failure).code).toBe('USAGE')
  })

  it('refuse a missing argument', () => {
    expect(() => typed(create, [])).toThrow(/missing required argument/)
  })

  it('explain themselves: spans, lists, groups', () => {
    const program = new Command()
    addOperations(program, [create, claim], () => new Session({}))
    const [group] = program.commands
    expect(group?.summary()).toBe('add, claim')
    const options = new Map(
      group?.commands[0]?.options.map(({ long, flags, description }) => [long, `${flags} ${description}`]),
    )
    expect(options.get('--lease')).toBe('--lease <duration> How long it holds (1m)')
    expect(options.get('--expires-in')).toMatch(/\(at least 1s\)$/)
    expect(options.get('--wait')).toBe('--wait <duration> how long to wait')
    expect(options.get('--depends-on')).toBe('--depends-on <value> repeat the flag for more than one')
    expect(options.get('--quotas')).toMatch(/^--quotas <json> /)
    expect(options.get('--until')).toBe('--until <value> applied | confirmed')
  })

  it('have a word for every flag, and speak of flags instead of fields', async () => {
    const program = new Command()
    const operations = await builtInOperations()
    addOperations(program, operations, () => new Session({}))
    const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)]
    for (const command of all(program))
      for (const { long, description } of command.options)
        expect(description, `${command.name()} ${long}`).toMatch(/^(?!.*`\w+_\w+`)./)
    for (const operation of operations.filter(({ cli }) => cli && cli.path !== 'join'))
      expect(descriptionOf(operation), operation.name).not.toMatch(/Answers 200|\b202\b|from=|verdict=|`until: /)
    const claimed = operations.find(({ name }) => name === 'tasks.claim') as OperationInfo
    expect(descriptionOf(claimed)).toContain('With `--until applied`')
  })

  it('have their own flags also where the word above them has flags of the same name', () => {
    const program = new Command()
    const send = { ...create, cli: { path: 'task', args: ['title'] } }
    const list = {
      ...create,
      name: 'tasks.list',
      method: 'GET',
      cli: { path: 'task list' },
      input: { ...create.input, required: [] },
    }
    addOperations(
      program,
      [send, list, { ...claim, input: { type: 'object', properties: { id: { type: 'string' } } } }],
      () => new Session({}),
    )
    let input = {}
    const [listed] = program.commands[0]?.commands ?? []
    listed?.action((...received: unknown[]) => {
      input = inputOf(list, received.at(-1) as Command)
    })
    program.parse(['task', 'list', '--topic', 'ci'], { from: 'user' })
    expect(input).toEqual({ topic: ['ci'] })
    for (const command of [program, ...program.commands, ...(program.commands[0]?.commands ?? [])])
      command.exitOverride().configureOutput({ writeErr: () => {} })
    expect(() => program.parse(['task', 'claim', 'x', '--topic', 'ci'], { from: 'user' })).toThrow(
      /unknown option '--topic'/,
    )
  })

  it('share groups, and leave own commands alone', () => {
    const program = new Command()
    const own = program.command('status').description('our own')
    const status = { ...claim, cli: { path: 'status' } }
    addOperations(program, [create, claim, status], () => new Session({}))
    expect(program.commands.map(command => command.name())).toEqual(['status', 'task'])
    expect(program.commands[1]?.commands.map(command => command.name())).toEqual(['add', 'claim'])
    expect(own.description()).toBe('our own')
  })
})

it('a file is sent as it is or not at all: regular, of a bounded size, and UTF-8', () => {
  const dir = mkdtempSync(join(tmpdir(), 'openpact-text-'))
  const file = (name: string, content: string | Buffer) => {
    writeFileSync(join(dir, name), content)
    return join(dir, name)
  }
  try {
    expect(textOf(file('bom', '\ufeffsnow \u2603\n'))).toBe('\ufeffsnow \u2603\n')
    spawnSync('mkfifo', [join(dir, 'pipe')])
    for (const [path, code] of [
      [file('latin-1', Buffer.from('caf\u00e9', 'latin1')), 'FILE_NOT_TEXT'],
      [file('large', Buffer.alloc(16 * 1024 * 1024 + 1)), 'FILE_TOO_LARGE'],
      [join(dir, 'pipe'), 'FILE_UNUSABLE'],
      ['/dev/zero', 'FILE_UNUSABLE'],
      [dir, 'FILE_UNUSABLE'],
      [join(dir, 'none'), 'FILE_UNUSABLE'],
    ] as const)
      expect(() => textOf(path)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(path) }))
  } finally {
    rmSync(dir, { recursive: true })
  }
})
