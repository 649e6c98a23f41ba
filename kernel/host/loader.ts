/**
 * Loads configuration and plugins of others, TypeScript included. They are given the running copy of OpenPact for
 * `openpact`, `openpact/rules` and `openpact/plugins/<name>` (and of typebox, so that a plugin of one file needs no install):
 * with a second copy, errors, services and schemas would not be the same objects.
 */
import { readdir } from 'node:fs/promises'
import { dirname, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Jiti } from 'jiti'
import { reasonOf, withLimit } from './limit.ts'

export interface Loader {
  /** The file behind a path or package as seen from the loader's folder, or null. */
  find(specifier: string): string | null
  /** What a module exports by default (a CommonJS module: what it exports). @throws Error with one line in plain words */
  load(file: string): Promise<unknown>
}

/** @param from the file whose folder paths and packages are resolved from; @param limit ms that evaluating a module may take */
export async function createLoader(from: string, limit = 10_000): Promise<Loader> {
  // Loaded here: who has no configuration and no plugins of others needs no compiler.
  const { createJiti } = await import('jiti')
  const jiti = createJiti(from, {
    // Not in the shared temporary folder, where others could put code for us to run.
    fsCache: false,
    interopDefault: false,
    virtualModules: await running(),
    // Loaded only by who imports it: it is large.
    alias: { typebox: fileURLToPath(import.meta.resolve('typebox')) },
  })
  return {
    find: specifier => found(jiti, specifier),
    async load(file) {
      try {
        const expired = () => new Error(`it was not evaluated within ${limit} ms`)
        const module = await withLimit(limit, expired, () => jiti.import<{ default?: unknown }>(file))
        return 'default' in module ? module.default : module
      } catch (error) {
        throw new Error(plain(error, dirname(from)), { cause: error })
      }
    },
  }
}

function found(jiti: Jiti, specifier: string): string | null {
  try {
    return jiti.esmResolve(specifier, { try: true }) ?? null
  } catch {
    return null
  }
}

/** An error in one line, without the folders of this machine. */
function plain(error: unknown, folder: string): string {
  const [said = ''] = reasonOf(error).split('\nRequire stack')
  return said
    .replaceAll('file://', '')
    .replaceAll(folder + sep, '')
    .replace(/\s+/g, ' ')
    .trim()
}

let modules: Promise<Record<string, unknown>> | undefined

/** The modules of this very process, by the names that others import them by. */
function running(): Promise<Record<string, unknown>> {
  modules ??= gather()
  return modules
}

async function gather(): Promise<Record<string, unknown>> {
  const [kernel, rules] = await Promise.all([import('../index.ts'), import('../rules.ts')])
  const shipped = new URL('../../plugins/', import.meta.url)
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
  const names = await readdir(shipped).catch(() => [])
  // The kernel knows no plugin by name: whatever is shipped beside it can be imported, and what cannot is not offered.
  const loaded = await Promise.allSettled(
    names.map(async name => [
      `openpact/plugins/${name}`,
      await import(new URL(`${name}/index${extension}`, shipped).href),
    ]),
  )
  const plugins = loaded.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  return { openpact: kernel, 'openpact/rules': rules, ...Object.fromEntries(plugins) }
}
