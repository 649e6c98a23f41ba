/**
 * The tarball as its users get it: packed, installed into an empty directory, globally and by npx, without any install script,
 * and run there with an empty home by the Node that runs this. Downloads what it installs.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Outcome } from './run.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../', import.meta.url))
const quiet = ['--no-audit', '--no-fund', '--loglevel=error']

/** How one way of installing calls the command, and where its packages are. */
interface Installed {
  /** Program and first arguments. */
  command: [string, ...string[]]
  /** A file from which the packages of OpenPact are found; null where npm keeps them to itself. */
  main: string | null
}

type Install = (folder: string, tarball: string) => Promise<Installed>

const ways: Record<string, Install> = {
  'an empty directory': async (folder, tarball) => {
    await writeFile(join(folder, 'package.json'), '{"private":true}')
    await run('npm', ['install', '--ignore-scripts', ...quiet, tarball], { cwd: folder })
    const main = join(folder, 'node_modules', 'openpact', 'dist', 'cli', 'main.js')
    const exported = ['openpact', 'openpact/rules', 'openpact/plugins/operations'].map(
      name => `await import('${name}')`,
    )
    await run(process.execPath, ['--input-type=module', '--eval', exported.join(';')], { cwd: folder })
    return { command: [process.execPath, main], main }
  },
  'a global install': async (folder, tarball) => {
    await run('npm', ['install', '--global', '--ignore-scripts', ...quiet, '--prefix', folder, tarball])
    const main = await realpath(join(folder, 'bin', 'openpact'))
    return { command: [process.execPath, main], main }
  },
  npx: async (_folder, tarball) => ({
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
    await run('npm', ['pack', '--loglevel=error', '--pack-destination', folder], { cwd: root, maxBuffer: 1e8 })
    const [name = ''] = await readdir(folder)
    progress(`packed ${name}; Node ${process.versions.node}`)
    for (const [way, install] of Object.entries(ways)) {
      const begun = performance.now()
      try {
        const place = join(folder, way.replaceAll(' ', '-'))
        await mkdir(place)
        const installed = await install(place, join(folder, name))
        if (installed.main) await oneHypercore(installed.main)
        await firstSteps(installed, join(place, 'home'))
        entries++
        progress(`${way}: works (${((performance.now() - begun) / 1000).toFixed(1)} s)`)
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

/** What the README says first, with a home that has nothing in it; off the network. */
async function firstSteps({ command: [program, ...first] }: Installed, home: string): Promise<void> {
  const { stdout: config } = await run('npm', ['config', 'list', '--json'])
  const { userconfig, cache } = JSON.parse(config) as Record<'userconfig' | 'cache', string>
  await mkdir(join(home, '.openpact'), { recursive: true, mode: 0o700 })
  await writeFile(join(home, '.openpact', 'openpact.config.json'), '{"network":false}')
  const env = { PATH: process.env.PATH, HOME: home, npm_config_userconfig: userconfig, npm_config_cache: cache }
  const openpact = async (...args: string[]) => (await run(program, [...first, ...args], { env, cwd: home })).stdout
  await openpact('init', '--name', 'Soak', '--alias', 'soak')
  await openpact('start', '--port', '0')
  try {
    await openpact('record', 'packaging', 'Written by an installed OpenPact.')
    const list = await openpact('knowledge', 'list')
    if (!list.includes('Written by an installed OpenPact.')) throw new Error(`the entry is not listed: ${list}`)
    const doctor = await openpact('doctor')
    if (doctor.includes('FAIL')) throw new Error(`doctor: ${doctor}`)
  } finally {
    await openpact('stop')
  }
}
