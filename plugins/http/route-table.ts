/** Every path that is served, for the answers to requests that fit none. */
import { OpenPactError } from '../../kernel/index.ts'
import { nearNames } from '../operations/near-names.ts'

export interface Served {
  method: string
  /** With `:parameters`. */
  path: string
  /** `<operation>` or the path itself, for messages about clashes. */
  owner: string
}

export class RouteTable {
  readonly #byPath = new Map<string, { path: string; methods: Map<string, string> }>()

  /** Answers the owner of the same method and path, if there is one already. */
  add({ method, path, owner }: Served): string | undefined {
    // Parameters at the same place are the same path, whatever their names.
    const key = path.replace(/:\w+/g, ':')
    const known = this.#byPath.get(key) ?? { path, methods: new Map<string, string>() }
    const first = known.methods.get(method)
    if (first !== undefined) return first
    known.methods.set(method, owner)
    this.#byPath.set(key, known)
    return undefined
  }

  /** The error for a request that no route took: METHOD_NOT_ALLOWED with the methods there are, or ROUTE_UNKNOWN with near ones. */
  miss(method: string, url: string): OpenPactError {
    const path = url.split('?', 1)[0]!.slice(0, 256)
    const segments = path.split('/')
    const allowed = new Set<string>()
    for (const known of this.#byPath.values()) {
      if (fits(known.path.split('/'), segments)) for (const one of known.methods.keys()) allowed.add(one)
    }
    if (allowed.size > 0) {
      return new OpenPactError('METHOD_NOT_ALLOWED', { method, allow: [...allowed].sort().join(', ') })
    }
    // Served by a plugin of its own, which may be off.
    const start = this.#byPath.has('/llms.txt') ? 'GET /llms.txt says how to begin. ' : ''
    return new OpenPactError('ROUTE_UNKNOWN', { method, path, start, near: this.#near(segments) })
  }

  #near(segments: string[]): string {
    // Parameters take whatever stands at their place, so that only the fixed words are compared.
    const shown = new Map<string, string>()
    for (const { path } of this.#byPath.values()) {
      const filled = path.split('/').map((part, at) => (part.startsWith(':') ? (segments[at] ?? part) : part))
      shown.set(filled.join('/'), path)
    }
    const near = nearNames(segments.join('/'), shown.keys()).map(path => shown.get(path))
    return near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`
  }
}

function fits(pattern: string[], segments: string[]): boolean {
  if (pattern.length !== segments.length) return false
  return pattern.every((part, at) => part === segments[at] || (part.startsWith(':') && segments[at] !== ''))
}
