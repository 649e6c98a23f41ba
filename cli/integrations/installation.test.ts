/** Settings of every client: merged, left alone where they are not ours, and given back byte for byte. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse } from 'jsonc-parser'
import { parse as parseToml } from 'smol-toml'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openpact } from '../../test/support/daemon.ts'
import { type Addition, clients } from './clients.ts'
import './errors.ts'
import { carryOut, diffs, planInstall, planUninstall } from './installation.ts'
import { shellLine } from './program.ts'
import { Receipts } from './receipts.ts'

let home: string
let receipts: Receipts
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'openpact-home-'))
  receipts = new Receipts(join(home, 'data'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const server = { command: '/usr/bin/openpact', args: ['mcp'] }
const surroundings = (args = server.args) => ({
  home,
  env: {},
  platform: 'linux' as const,
  server: { ...server, args },
  hook: { command: '/opt/my tools/openpact', args: ['hook', 'claude-code'] },
  skill: async () => ({ 'SKILL.md': '---\nname: openpact\n---\n' }),
})
const additionsOf = async (name: string, args?: string[]): Promise<Addition[]> =>
  clients[name]!.additions(surroundings(args))
const install = async (name: string, args?: string[]) =>
  carryOut(planInstall(await additionsOf(name, args), receipts.read(name)), name, receipts, true)
const uninstall = (name: string) => {
  const steps = planUninstall(receipts.read(name))
  carryOut(steps, name, receipts, false)
  return steps
}
const put = (file: string, text: string) => {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
const read = (file: string) => readFileSync(file, 'utf8')
const everything = () =>
  Object.fromEntries(
    readdirSync(home, { recursive: true, withFileTypes: true })
      .filter(item => item.isFile())
      .map(item => [join(item.parentPath, item.name), read(join(item.parentPath, item.name))]),
  )

/** What somebody may have there already. */
const others: Record<string, string> = {
  json: '// mine\n{\n\t"theme": "dark", // comment\n\t"mcpServers": { "x": { "command": "y" } },\n\t"hooks": {"SessionStart": [{"hooks": []}]},\n}\n',
  toml: '# mine\nmodel = "o5"\n\n[mcp_servers.x]\ncommand = "y"',
}

describe.each(Object.keys(clients))('%s', name => {
  it('gets its settings where there were none, and has none afterwards', async () => {
    await install(name)
    for (const { kind, file } of await additionsOf(name)) {
      const text = read(file)
      if (kind === 'json') expect(JSON.stringify(parse(text))).toContain('openpact')
      if (kind === 'toml') expect(parseToml(text)).toEqual({ mcp_servers: { openpact: server } })
    }
    const written = everything()
    await install(name)
    expect(everything()).toEqual(written)
    uninstall(name)
    expect(everything()).toEqual({})
    expect(readdirSync(home)).toEqual(['data'])
  })

  it('keeps what is there, and gives it back byte for byte', async () => {
    const files = (await additionsOf(name)).filter(({ kind }) => kind !== 'whole')
    for (const { kind, file } of files) put(file, others[kind]!)
    const before = everything()
    await install(name)
    for (const { kind, file } of files)
      for (const word of ['mine', '"y"', 'openpact']) expect(read(file), kind).toContain(word)
    // A later version that is called in another way takes the place of the former.
    await install(name, ['mcp', '--pact', 'acme'])
    expect(diffs(planInstall(await additionsOf(name, ['mcp', '--pact', 'acme']), receipts.read(name)))).toBe('')
    uninstall(name)
    expect(everything()).toEqual(before)
  })

  it('takes only its own away when something else was changed since', async () => {
    const files = (await additionsOf(name)).filter(({ kind }) => kind !== 'whole')
    await install(name)
    for (const { kind, file } of files) {
      const text = read(file)
      put(file, kind === 'toml' ? `model = "o5"\n${text}` : text.replace('{', '{ "later": true,'))
    }
    uninstall(name)
    for (const { kind, file } of files) {
      const rest = kind === 'toml' ? parseToml(read(file)) : parse(read(file))
      expect(rest).toEqual(kind === 'toml' ? { model: 'o5' } : { later: true })
    }
  })
})

describe('what is not ours', () => {
  const file = () => join(home, '.cursor', 'mcp.json')

  it('is not overwritten', async () => {
    const taken = '{ "mcpServers": { "openpact": { "command": "my own" } } }'
    put(file(), taken)
    await expect(install('cursor')).rejects.toMatchObject({ code: 'CLIENT_ENTRY_TAKEN' })
    put(join(home, '.codex', 'config.toml'), '[mcp_servers.openpact]\ncommand = "my own"\n')
    await expect(install('codex')).rejects.toMatchObject({ code: 'CLIENT_ENTRY_TAKEN' })
    expect(read(file())).toBe(taken)
  })

  it('stays when it was changed by hand after it was added', async () => {
    await install('cursor')
    put(file(), read(file()).replace('"mcp"', '"mcp", "--pact", "acme"'))
    expect(uninstall('cursor')[0]?.left).toBe(true)
    expect(read(file())).toContain('acme')
  })

  it('is not touched while it is half written, and it is said what to add by hand', async () => {
    for (const text of ['{ "mcpServers": {', '[]', '{ "mcpServers": [] }', '{ a: 1 }', 'nonsense']) {
      put(file(), text)
      const refused = { code: 'CLIENT_CONFIG_BROKEN', help: expect.stringContaining('"command": "/usr/bin/openpact"') }
      await expect(install('cursor'), text).rejects.toMatchObject(refused)
      expect(read(file())).toBe(text)
    }
    for (const text of ['[mcp_servers', 'mcp_servers = { x = 1 }\n']) {
      put(join(home, '.codex', 'config.toml'), text)
      const refused = { code: 'CLIENT_CONFIG_BROKEN', help: expect.stringContaining('[mcp_servers.openpact]') }
      await expect(install('codex'), text).rejects.toMatchObject(refused)
    }
    // Nothing is written to the first file when the second cannot be.
    put(join(home, '.claude', 'settings.json'), '{')
    await expect(install('claude-code')).rejects.toMatchObject({ code: 'CLIENT_CONFIG_BROKEN' })
    expect(existsSync(join(home, '.claude.json'))).toBe(false)
  })

  it('is reached through a link, which stays one', async () => {
    const real = join(home, 'dotfiles', 'mcp.json')
    put(real, '{}\n')
    mkdirSync(dirname(file()))
    symlinkSync(real, file())
    await install('cursor')
    expect(read(real)).toContain('openpact')
    uninstall('cursor')
    expect(read(real)).toBe('{}\n')
  })
})

describe('on the command line', () => {
  const run = (env: Record<string, string>, ...args: string[]) => {
    // As a daemon leaves it behind: without, each command would load every plugin to know its verbs.
    put(join(home, 'data', 'run', 'operations.json'), JSON.stringify({ pid: 0, started: 0, entries: [] }))
    return openpact([...args, '--data-dir', join(home, 'data')], { HOME: home, XDG_CONFIG_HOME: '', ...env })
  }

  it('--dry-run shows the difference and changes nothing', async () => {
    put(join(home, '.config', 'zed', 'settings.json'), '{\n  // big\n  "font": 16\n}\n')
    const { code, stdout } = await run({}, 'install', 'zed', '--dry-run')
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^--- .*settings\.json[\s\S]*\n\+ {2}"context_servers": \{/m),
    ])
    expect(read(join(home, '.config', 'zed', 'settings.json'))).toBe('{\n  // big\n  "font": 16\n}\n')
    expect(receipts.read('zed')).toEqual([])
  })

  it('refuses with a code: no such client, no home, a home that cannot be written', async () => {
    const error = async (env: Record<string, string>, client: string) =>
      JSON.parse((await run(env, 'install', client, '--json')).stderr)
    expect(await error({}, 'cursr')).toMatchObject({
      error: 'CLIENT_UNKNOWN',
      help: expect.stringContaining('"cursor"'),
    })
    expect(await error({ HOME: join(home, 'nobody') }, 'cursor')).toMatchObject({ error: 'HOME_MISSING' })
    // Not even root may make a folder here.
    expect(await error({ HOME: '/proc' }, 'cursor')).toMatchObject({ error: 'CLIENT_CONFIG_UNWRITABLE' })
  })
})

it('writes a hook as one safe line for a shell', () => {
  expect(shellLine({ command: "/it's here/openpact", args: ['hook', '$(touch x)'] })).toBe(
    `'/it'\\''s here/openpact' hook '$(touch x)'`,
  )
})
