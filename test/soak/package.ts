/**
 * The tarballs as their users get them: packed, installed into an empty directory, globally and by npx, without any install script,
 * and used there with an empty home by the Node that runs this. Downloads what it installs.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Command, everyPart, firstSteps } from './newcomer.ts'
import type { Outcome } from './run.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../', import.meta.url))
/** ms that an install may take. */
const LIMIT = 600_000
const quiet = ['--no-audit', '--no-fund', '--loglevel=error']

/** How one way of installing calls the command, and where its packages are. */
interface Installed {
  command: Command
  /** A file from which the packages of OpenPact are found; null where npm keeps them to itself. */
  main: string | null
}

/** @param tarballs of `openpact`, then of the other public packages */
type Install = (folder: string, tarballs: readonly [string, ...string[]]) => Promise<Installed>

const ways: Record<string, Install> = {
  'an empty directory': async (folder, tarballs) => {
    await writeFile(join(folder, 'package.json'), '{"private":true}')
    await run('npm', ['install', '--ignore-scripts', ...quiet, ...tarballs], { cwd: folder, timeout: LIMIT })
    const main = join(folder, 'node_modules', 'openpact', 'dist', 'cli', 'main.js')
    const exported = [
      'openpact',
      'openpact/rules',
      'openpact/plugins/operations',
      '@openpact/sdk',
      '@openpact/mcp',
    ].map(name => `await import('${name}')`)
    await run(process.execPath, ['--input-type=module', '--eval', exported.join(';')], { cwd: folder })
    return { command: [process.execPath, main], main }
  },
  'a global install': async (folder, [tarball]) => {
    await run('npm', ['install', '--global', '--ignore-scripts', ...quiet, '--prefix', folder, tarball], {
      timeout: LIMIT,
    })
    const linked = join(folder, 'bin', 'openpact')
    return { command: [linked], main: await realpath(linked) }
  },
  npx: async (_folder, [tarball]) => ({
    command: ['npx', '--yes', '--ignore-scripts', '--loglevel=error', '--package', tarball, 'openpact'],
    main: null,
  }),
}

export async function packageSoak(seed: number, progress: (line: string) => void): Promise<Outcome> {
  const started = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'soak-package-'))
  const faults: string[] = []
  let entries = 0
  try {
    const all = ['--workspaces', '--include-workspace-root']
    await run('npm', ['pack', ...all, '--loglevel=error', '--pack-destination', folder], { cwd: root, maxBuffer: 1e8 })
    const names = await readdir(folder)
    const [own = '', ...others] = names.sort(
      (a, b) => Number(b.startsWith('openpact-0')) - Number(a.startsWith('openpact-0')),
    )
    progress(`packed ${names.join(', ')}; Node ${process.versions.node}`)
    for (const [way, install] of Object.entries(ways)) {
      const begun = performance.now()
      try {
        const place = join(folder, way.replaceAll(' ', '-'))
        await mkdir(place)
        const { command, main } = await install(place, [join(folder, own), ...others.map(name => join(folder, name))])
        const seconds = () => `${((performance.now() - begun) / 1000).toFixed(1)} s`
        const told = `installed in ${seconds()}, ${main ? await megabytes(place) : 'in the cache of npm'}`
        if (main) await oneHypercore(main)
        await (main ? everyPart : firstSteps)(command, place)
        entries++
        progress(`${way}: ${told}; works (${seconds()})`)
      } catch (error) {
        const { message, stderr = '' } = error as Error & { stderr?: string }
        faults.push(`${way}: ${message} ${stderr}`.trim())
      }
    }
  } catch (error) {
    faults.push(`it cannot be packed: ${(error as Error).message}`)
  }
  if (faults.length === 0) await rm(folder, { recursive: true, force: true })
  const none = { closes: 0, kills: 0, reverts: 0, nudges: 0, repairs: 0, waits: 0 }
  const ms = Math.round(performance.now() - started)
  return { seed, faults, entries, ...none, ms, kept: faults.length > 0 ? folder : null }
}

/** Whoever reads or writes cores must do it with the same code. @throws Error */
async function oneHypercore(main: string): Promise<void> {
  const seen = new Set<string>()
  const own = createRequire(main)
  for (const from of [main, own.resolve('autobase'), own.resolve('corestore')]) {
    seen.add(await realpath(createRequire(from).resolve('hypercore')))
  }
  const [file = ''] = seen
  const { version } = createRequire(file)(join(dirname(file), 'package.json')) as { version: string }
  const { dependencies } = own(join(root, 'package.json')) as { dependencies: Record<string, string> }
  if (seen.size !== 1) throw new Error(`several copies of hypercore: ${[...seen].join(', ')}`)
  if (version !== dependencies.hypercore) throw new Error(`hypercore ${version} instead of ${dependencies.hypercore}`)
}

/** What a folder takes on the disk. */
async function megabytes(folder: string): Promise<string> {
  const { stdout } = await run('du', ['-sk', folder])
  return `${(Number.parseInt(stdout, 10) / 1024).toFixed(0)} MB`
}
