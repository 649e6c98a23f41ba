/**
 * Plugins of this machine in an archive: the files of those that lie in the data directory beside the configuration travel with it. What
 * lies elsewhere or is an npm package cannot; it is named, with what to do about it.
 */
import { constants } from 'node:fs'
import { lstat, open, readdir, readFile, realpath } from 'node:fs/promises'
import { extname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Kernel } from '../../kernel/index.ts'
import { isPluginFile, OWN_NAMES } from './frames.ts'

/** Bounds of all plugins together: an archive is of a machine, not of its projects. */
export const PLUGIN_LIMITS = { bytes: 32 * 1024 * 1024, files: 2_000 }

/** A plugin, or a part of one, that a restored machine has to be given by hand. */
export interface LeftOut {
  /** As the configuration names it, or a folder in the data directory. */
  plugin: string
  reason: string
  help: string
}

export interface PluginFiles {
  /** Paths from the data directory, with slashes. */
  files: { path: string; bytes: Buffer }[]
  left_out: LeftOut[]
}

/** Large, and made again by others. */
const SKIPPED = new Set(['node_modules', '.git'])
const CODE = /\.(ts|js|mjs)$/
const CONFIG = /^openpact\.config\.[a-z]{2,5}$/
const IMPORTED = /\b(?:from|import|require)\s*\(?\s*['"](\.{1,2}\/[^'"\n]+)['"]/g
/** How many names a reason lists. */
const NAMED = 5

/** What the plugins of the configuration are made of. Whole folders of the data directory: a plugin may import what lies beside it. */
export async function pluginFiles(
  kernel: Pick<Kernel, 'dataDir' | 'plugins'>,
  limits = PLUGIN_LIMITS,
): Promise<PluginFiles> {
  const { dataDir } = kernel
  const found: PluginFiles = { files: [], left_out: [] }
  const tops = new Set<string>()
  for (const source of await sources(kernel)) {
    const place = await placeOf(dataDir, source)
    if ('top' in place) tops.add(place.top)
    else found.left_out.push({ plugin: source, ...place })
  }
  const left = { ...limits }
  for (const top of [...tops].sort()) {
    const folder = new Folder(dataDir, left)
    if (await folder.take(top)) {
      left.bytes -= folder.bytes
      left.files -= folder.files.length
      found.files.push(...folder.files)
      found.left_out.push(...folder.remarks(top))
    } else
      found.left_out.push({
        plugin: top,
        reason: `its files are too many or too large: an archive takes ${limits.files} of plugins with ${limits.bytes} bytes`,
        help: copy(top),
      })
  }
  return found
}

/** What the configuration loads from elsewhere: paths and packages as it names them, and what a configuration in code imports. */
async function sources({ dataDir, plugins }: Pick<Kernel, 'dataDir' | 'plugins'>): Promise<Set<string>> {
  // The name of a configuration stands for plugins that are written in it, words with a blank for those that came with OpenPact.
  const named = plugins().flatMap(({ source }) =>
    isPath(source) || !/\s|\.(json|ya?ml|[mc]?[jt]s)$/.test(source) ? [source] : [],
  )
  const imported: string[] = []
  for (const name of await readdir(dataDir)) {
    if (!CONFIG.test(name) || !CODE.test(name)) continue
    const text = await readFile(join(dataDir, name), 'utf8')
    imported.push(...[...text.matchAll(IMPORTED)].map(([, path]) => path as string))
  }
  return new Set([...named, ...imported])
}

/** The entry of the data directory in which a plugin lies whole, or why there is none. */
async function placeOf(dataDir: string, source: string): Promise<{ top: string } | Omit<LeftOut, 'plugin'>> {
  if (!isPath(source))
    return {
      reason: 'it is an npm package',
      help: `On the restored machine, run \`npm install ${source}\` in the data directory.`,
    }
  const written = source.startsWith('file:') ? fileURLToPath(source) : resolve(dataDir, source)
  const path = await existing(written)
  if (path === null)
    return {
      reason: `nothing was at ${written} when the archive was written`,
      help: `Put it there on the restored machine, or ${DROP}`,
    }
  const inside = relative(dataDir, path)
  const [top = ''] = inside.split(sep)
  if (top === '' || top === '..' || resolve(dataDir, inside) !== path)
    return { reason: `it lies outside of the data directory (${path})`, help: ELSEWHERE }
  if (OWN_NAMES.test(top)) return { reason: `${top} is a name that OpenPact itself uses (${path})`, help: ELSEWHERE }
  if ((await realpath(path)) !== join(await realpath(dataDir), inside))
    return { reason: `a link leads to it, and links are not followed (${await realpath(path)})`, help: ELSEWHERE }
  return { top }
}

const DROP = 'take it out of `plugins` in openpact.config.'
const ELSEWHERE = `Copy it to the restored machine and correct its path in openpact.config, or ${DROP}`

function copy(path: string): string {
  return `Copy ${path} from the old machine into the data directory of the restored one.`
}

/** A file or folder, also one that is named without its ending, as imports may. */
async function existing(path: string): Promise<string | null> {
  for (const ending of extname(path) ? [''] : ['', '.ts', '.js', '.mjs'])
    if (await lstat(path + ending).catch(() => null)) return path + ending
  return null
}

function isPath(source: string): boolean {
  return /^(\.{0,2}[\\/]|[A-Za-z]:[\\/]|file:)/.test(source)
}

/** One entry of the data directory, read into memory: what is counted is what is written, whatever changes meanwhile. */
class Folder {
  readonly files: { path: string; bytes: Buffer }[] = []
  bytes = 0
  private readonly dataDir: string
  private readonly limits: { bytes: number; files: number }
  private readonly passed: string[] = []
  private readonly installs: string[] = []

  constructor(dataDir: string, limits: { bytes: number; files: number }) {
    this.dataDir = dataDir
    this.limits = limits
  }

  /** False when it is too large. */
  async take(path: string): Promise<boolean> {
    const at = join(this.dataDir, path)
    const stat = await lstat(at)
    if (stat.isDirectory()) {
      for (const name of (await readdir(at)).sort()) {
        if (name === 'node_modules') this.installs.push(path)
        if (!SKIPPED.has(name) && !(await this.take(`${path}/${name}`))) return false
      }
      return true
    }
    if (!stat.isFile() || !isPluginFile(`plugins/${path}`)) this.passed.push(path)
    else if (stat.size > this.limits.bytes - this.bytes || this.files.length >= this.limits.files) return false
    else await this.read(path)
    return this.bytes <= this.limits.bytes
  }

  /** What of it did not come along. */
  remarks(top: string): LeftOut[] {
    const { passed, installs } = this
    const remarks = installs.map(folder => ({
      plugin: folder,
      reason: 'its node_modules are not in an archive',
      help: `On the restored machine, run \`npm install\` in ${folder} of the data directory.`,
    }))
    if (passed.length === 0) return remarks
    const names =
      passed.slice(0, NAMED).join(', ') + (passed.length > NAMED ? ` and ${passed.length - NAMED} more` : '')
    return [
      ...remarks,
      { plugin: top, reason: `links and files that cannot be read stay behind: ${names}`, help: copy('them') },
    ]
  }

  private async read(path: string): Promise<void> {
    // Put there since it was looked at, a link is not followed either.
    const handle = await open(join(this.dataDir, path), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(
      () => null,
    )
    if (!handle) return void this.passed.push(path)
    try {
      const bytes = await handle.readFile()
      this.bytes += bytes.length
      this.files.push({ path, bytes })
    } finally {
      await handle.close()
    }
  }
}
