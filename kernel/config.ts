/** The configuration file: found in one place only, read by the daemon only, checked before anything starts. */
import { readdir, readFile } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { defaultLoaders } from 'cosmiconfig'
import { OpenPactError } from './errors.ts'
import { reasonOf } from './host/limit.ts'
import { createLoader } from './host/loader.ts'
import { schemaFaults } from './host/schema.ts'
import { type Static, Type } from './json-schema.ts'
import type { PluginEntry } from './plugin.ts'

const closed = { additionalProperties: false }

const NetworkSchema = Type.Object(
  {
    /** `host:port` of the nodes that a private DHT starts from; the public ones by default. */
    bootstrap: Type.Optional(Type.Array(Type.String({ pattern: '^(\\[[0-9a-fA-F:.]+\\]|[^:\\s]+):\\d{1,5}$' }))),
    /** Address to bind UDP to. */
    bind: Type.Optional(Type.String({ minLength: 1 })),
    /** UDP port; any free one by default. */
    port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535 })),
  },
  closed,
)

const ConfigSchema = Type.Object(
  {
    plugins: Type.Optional(Type.Array(Type.Unknown())),
    /** `false` keeps the daemon off the network. */
    network: Type.Optional(Type.Unknown()),
    log: Type.Optional(
      Type.Object(
        {
          level: Type.Optional(
            Type.Unsafe<'debug' | 'info' | 'warn' | 'error'>({ enum: ['debug', 'info', 'warn', 'error'] }),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
)

export type NetworkConfig = Static<typeof NetworkSchema>

export interface Config {
  plugins?: PluginEntry[]
  network?: NetworkConfig | false
  log?: Static<typeof ConfigSchema>['log']
}

/** Gives a configuration its types. */
export function defineConfig(config: Config): Config {
  return config
}

const extensions = ['.ts', '.js', '.mjs', '.json', '.yaml', '.yml']

/**
 * Reads the configuration from `file`, or else from `openpact.config.*` in the data directory; never from the working directory
 * or a folder above. Plugins named by path or package are looked for from the file's folder.
 * @returns an empty configuration and a null file when there is none
 * @throws OpenPactError CONFIG_UNREADABLE, CONFIG_INVALID
 */
export async function loadConfig(where: {
  dataDir: string
  file?: string
}): Promise<{ config: Config; file: string | null }> {
  const file = where.file === undefined ? await findConfig(where.dataDir) : resolve(where.file)
  if (file === null) return { config: {}, file: null }
  const value = (await read(file)) ?? {}
  const faults = configFaults(value)
  if (faults.length > 0) throw new OpenPactError('CONFIG_INVALID', { file: basename(file), reason: faults.join('; ') })
  const config = value as Config
  return { config: { ...config, plugins: (config.plugins ?? []).map(entry => locate(entry, file)) }, file }
}

/** A configuration on top of another: the upper one's plugins configure, replace or join the lower one's, by name. */
export function mergeConfig(lower: Config, upper: Config): Config {
  const network =
    upper.network === false || lower.network === false || !lower.network
      ? (upper.network ?? lower.network)
      : { ...lower.network, ...upper.network }
  return {
    plugins: [...(lower.plugins ?? []), ...(upper.plugins ?? [])],
    ...(network === undefined ? {} : { network }),
    log: { ...lower.log, ...upper.log },
  }
}

/** `host:port` as its parts; an IPv6 host stands in brackets. */
export function parseHostPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}

function configFaults(value: unknown): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return ['it must export an object by default, best made with defineConfig']
  }
  // What looks like no field at all may be a plugin.
  const faults = schemaFaults(ConfigSchema, value).map(fault =>
    fault.replace(
      /^unknown field "(.*)"$/,
      '$& (a plugin has its settings in plugins: [{ plugin: "$1", config: { … } }])',
    ),
  )
  const { network } = value as { network?: unknown }
  if (network === undefined || network === false) return faults
  const inner = schemaFaults(Type.Object({ network: NetworkSchema }), { network })
  return [...faults, ...inner]
}

/** Says which file an entry comes from: its path or package is resolved from there, and faults name it. */
function locate(entry: PluginEntry, file: string): PluginEntry {
  const long = typeof entry === 'object' && entry !== null && 'plugin' in entry
  return long ? { ...entry, from: file } : { plugin: entry, from: file }
}

/** The configuration of a data directory, or null. @throws OpenPactError CONFIG_UNREADABLE, CONFIG_INVALID when there are two */
export async function findConfig(dataDir: string): Promise<string | null> {
  // Not cosmiconfig's own search: it first runs `.config/config.js` of the working directory, and skips a file that it may not read.
  const names = await readdir(dataDir).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw new OpenPactError('CONFIG_UNREADABLE', {
      file: 'openpact.config.*',
      reason: `its folder: ${reasonOf(error)}`,
    })
  })
  const [first, second] = extensions
    .map(extension => `openpact.config${extension}`)
    .filter(name => names.includes(name))
  if (second !== undefined) {
    throw new OpenPactError('CONFIG_INVALID', { file: first, reason: `there is also ${second}; keep one of them` })
  }
  return first === undefined ? null : join(dataDir, first)
}

async function read(file: string): Promise<unknown> {
  const extension = extname(file)
  try {
    if (!extensions.includes(extension)) throw new Error(`its name must end in ${extensions.join(', ')}`)
    const text = await readFile(file, 'utf8')
    if (extension === '.json' || extension === '.yaml' || extension === '.yml') {
      return text.trim() === '' ? {} : await defaultLoaders[extension](file, text)
    }
    return await (await createLoader(file)).load(file)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    const reason =
      unreadable[code] ??
      reasonOf(error)
        .replaceAll(file, basename(file))
        .replace(/\s*\n\s*/g, ' ')
    throw new OpenPactError('CONFIG_UNREADABLE', { file: basename(file), reason }, { cause: error })
  }
}

const unreadable: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'it is not permitted to read it',
  EPERM: 'it is not permitted to read it',
  EISDIR: 'it is a folder',
}
