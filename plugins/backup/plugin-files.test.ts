/** Plugins of a configuration in an archive: what travels, what is named instead, and what an archive is not let to write. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import IdentityKey from 'keet-identity-key'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../kernel/config.ts'
import { recoverIdentity } from '../../kernel/identity/identity.ts'
import { type Kernel, startKernel } from '../../kernel/index.ts'
import { membership } from '../../test/support/network.ts'
import attachments from '../attachments/index.ts'
import { operations } from '../operations/service.ts'
import { readArchive, writeArchive } from './archive.ts'
import { FORMAT } from './cipher.ts'
import { fileFrames, frames } from './frames.ts'
import backup from './index.ts'
import { type LeftOut, pluginFiles } from './plugin-files.ts'
import { restoreArchive } from './restore.ts'

const passphrase = 'correct horse battery'
const source = (name: string, imports = '') =>
  `import { definePlugin } from 'openpact'\n${imports}\nexport default definePlugin({ name: '${name}', version: '1.0.0', api: 1, summary: 's' })\n`
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openpact-plugin-files-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function lay(dir: string, files: Record<string, string>): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true, mode: 0o700 })
    await writeFile(join(dir, path), text)
  }
  return dir
}

/** A kernel as the daemon starts it: with what the configuration of its data directory names. */
async function started(dataDir: string): Promise<Kernel> {
  const { config } = await loadConfig({ dataDir })
  const plugins = [...membership, attachments, backup, ...(config.plugins ?? [])]
  return startKernel({ dataDir, plugins, network: false })
}

const create = async (kernel: Kernel, file: string) => {
  const caller = { agent: kernel.identity.defaultAgent.name, pacts: null, operations: null }
  return (await kernel.use(operations).invoke('backup.create', { file, passphrase }, { caller })).output as {
    plugin_files: number
    plugins_left_out: LeftOut[]
  }
}

test('a restored machine starts with the plugins that lay beside its configuration; the others are named with a cure', async () => {
  const outside = await lay(join(folder, 'outside'), { 'far.ts': source('far') })
  const dataDir = await lay(join(folder, 'machine'), {
    'openpact.config.mjs': `import near from './near.ts'
export default { plugins: ['./plugins/words', near, '${join(outside, 'far.ts')}', 'from-npm'] }\n`,
    'near.ts': source('near'),
    'plugins/words/index.ts': source('words', "import '../shared/Größe & more.ts'"),
    'plugins/shared/Größe & more.ts': 'export const size = 1\n',
    'plugins/words/deep/er/than/three/empty.json': '',
    'plugins/words/package.json': '{}',
    'plugins/words/node_modules/dep/index.js': 'export {}\n',
    'plugins/words/.git/config': '',
    'node_modules/from-npm/package.json': '{ "name": "from-npm", "type": "module", "exports": "./index.js" }',
    'node_modules/from-npm/index.js': source('from-npm'),
    'notes/not-a-plugin.txt': 'x',
  })
  await symlink(outside, join(dataDir, 'plugins', 'linked'))
  const file = join(folder, 'machine.backup')
  const kernel = await started(dataDir)
  const { plugin_files, plugins_left_out } = await create(kernel, file)
  await kernel.close()

  const named = ({ plugin, reason }: LeftOut) => `${plugin}: ${reason}`
  expect(plugins_left_out.map(named)).toEqual([
    `${join(outside, 'far.ts')}: it lies outside of the data directory (${join(outside, 'far.ts')})`,
    'from-npm: it is an npm package',
    'plugins/words: its node_modules are not in an archive',
    'plugins: links and files that cannot be read stay behind: plugins/linked',
  ])
  for (const { help } of plugins_left_out) expect(help).toMatch(/npm install|Copy/)
  expect(plugin_files).toBe(5)
  expect(await readArchive(file, passphrase)).toMatchObject({ plugin_files, plugins_left_out })

  const restored = join(folder, 'restored')
  expect(await restoreArchive(file, passphrase, restored)).toMatchObject({ plugin_files, plugins_left_out })
  expect(await readdir(join(restored, 'plugins'))).toEqual(['shared', 'words'])
  expect((await readdir(join(restored, 'plugins', 'words'))).sort()).toEqual(['deep', 'index.ts', 'package.json'])
  expect(await readFile(join(restored, 'plugins/words/deep/er/than/three/empty.json'), 'utf8')).toBe('')
  expect(await readdir(restored)).not.toContain('notes')
  // As the words above say.
  await expect(started(restored)).rejects.toMatchObject({
    code: 'PLUGINS_INVALID',
    message: expect.stringMatching(/^- from-npm .* Install it in .*restored, or take it out of "plugins"/m),
  })
  await lay(restored, {
    'node_modules/from-npm/package.json': '{ "name": "from-npm", "type": "module", "exports": "./index.js" }',
    'node_modules/from-npm/index.js': source('from-npm'),
  })
  const again = await started(restored)
  const active = again.plugins().flatMap(({ name, state }) => (state === 'active' ? [name] : []))
  expect(active).toEqual(expect.arrayContaining(['words', 'near', 'far', 'from-npm']))
  await again.close()
})

test('plugins that are too large stay behind whole, and so does what a link leads to or OpenPact keeps itself', async () => {
  const dataDir = await lay(join(folder, 'large'), {
    'openpact.config.json': '{}',
    'big/index.ts': 'x'.repeat(3000),
    'many/a.ts': '',
    'many/b.ts': '',
    'many/c.ts': '',
    'small/index.ts': 'x',
    'identity/plugin.ts': 'x',
    'target/index.ts': 'x',
  })
  await symlink(join(dataDir, 'target'), join(dataDir, 'linked'))
  const paths = ['./big', './many/a.ts', './small', './identity/plugin.ts', './linked', './gone.ts', '../large/small']
  const plugins = () => paths.map(source => ({ source })) as ReturnType<Kernel['plugins']>
  const { files, left_out } = await pluginFiles({ dataDir, plugins }, { bytes: 2000, files: 2 })
  expect(files.map(({ path }) => path)).toEqual(['small/index.ts'])
  expect(left_out.map(({ plugin, reason }) => [plugin, reason])).toEqual([
    ['./identity/plugin.ts', expect.stringContaining('OpenPact itself uses')],
    ['./linked', expect.stringContaining('a link leads to it')],
    ['./gone.ts', `nothing was at ${join(dataDir, 'gone.ts')} when the archive was written`],
    ['big', expect.stringContaining('too many or too large')],
    ['many', expect.stringContaining('too many or too large')],
  ])
})

describe('an archive', () => {
  const identity = async () => {
    const { agents, default_agent } = { agents: { root: '1'.repeat(64) }, default_agent: 'root' }
    return { mnemonic: IdentityKey.generateMnemonic(), default_agent, agents }
  }
  /** As somebody would write it who has the passphrase. */
  async function* forged(name: string) {
    const manifest = { format: 1, created: 'x', version: '0', identity: '', device: '', pacts: [] }
    yield* fileFrames('manifest.json', JSON.stringify(manifest))
    yield* fileFrames('identity.json', JSON.stringify(await identity()))
    yield* fileFrames(name, 'planted')
    yield frames.done()
  }

  test.each([
    'plugins/../../planted',
    'plugins/..',
    'plugins/a/../../../planted',
    'plugins//planted',
    'plugins/a\\..\\..\\planted',
    'plugins/C:planted',
    'plugins/a\0b',
    'plugins/identity/identity.json',
    'plugins/Identity/identity.json',
    'plugins/identity./identity.json',
    'plugins/openpact.config.ts',
    'plugins/local.db-wal',
    '../planted',
    '/planted',
    'config/../planted',
    'config/identity/identity.json',
    'config/local.db',
  ])('that names %j is refused, and nothing of it is left', async name => {
    const place = await mkdtemp(join(folder, 'forged-'))
    const file = join(place, 'forged.backup')
    await writeArchive(file, forged(name), passphrase)
    await expect(restoreArchive(file, passphrase, join(place, 'data'))).rejects.toMatchObject({
      code: 'ARCHIVE_DAMAGED',
    })
    expect(await readdir(place)).toEqual(['forged.backup'])
  })

  test('without plugins is written as older versions read it, and theirs is restored', async () => {
    const dataDir = await lay(join(folder, 'plain'), { 'openpact.config.json': '{}' })
    await recoverIdentity(join(dataDir, 'identity'), IdentityKey.generateMnemonic())
    const kernel = await started(dataDir)
    const file = join(folder, 'plain.backup')
    expect(await create(kernel, file)).toMatchObject({ plugin_files: 0, plugins_left_out: [] })
    await kernel.close()
    expect((await readFile(file))[8]).toBe(1)
    expect((await readFile(join(folder, 'machine.backup')))[8]).toBe(FORMAT)
    const old = join(folder, 'old.backup')
    await writeArchive(old, forged('config/openpact.config.json'), passphrase, 1)
    const restored = join(folder, 'of-old')
    expect(await restoreArchive(old, passphrase, restored)).toMatchObject({ plugin_files: 0, plugins_left_out: [] })
    expect(await readFile(join(restored, 'openpact.config.json'), 'utf8')).toBe('planted')
  })
})
