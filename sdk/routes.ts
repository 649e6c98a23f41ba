/** Where operations are served: those that come with OpenPact are known, others are asked for once. */
import { failure } from './errors.ts'
import { routes as builtIn } from './operations.ts'

export interface Route {
  method: string
  /** From the root, with `:parameters`. */
  path: string
  scope: 'pact' | 'daemon'
  access: string
}

interface Listed extends Route {
  name: string
}

export class Routes {
  readonly #ask: () => Promise<unknown>
  #others: Promise<Map<string, Route>> | null = null

  /** @param ask answers `GET /v1/operations` */
  constructor(ask: () => Promise<unknown>) {
    this.#ask = ask
  }

  /** @throws OpenPactError OPERATION_UNKNOWN with the names of the same plugin */
  async find(name: string): Promise<Route> {
    const known = Object.hasOwn(builtIn, name) ? builtIn[name] : undefined
    if (known) return routeOf(known)
    this.#others ??= this.#list()
    const others = await this.#others.catch(error => {
      this.#others = null
      throw error
    })
    const found = others.get(name)
    if (found) return found
    // Plugins may have been added by a restart.
    this.#others = null
    const plugin = name.split('.')[0]
    const near = [...others.keys()].filter(other => other.split('.')[0] === plugin)
    throw failure('OPERATION_UNKNOWN', {
      name: name.slice(0, 64),
      near: near.length > 0 ? ` Of "${plugin}": ${near.join(', ')}.` : '',
    })
  }

  async #list(): Promise<Map<string, Route>> {
    const { entries } = (await this.#ask()) as { entries: Listed[] }
    return new Map(entries.map(({ name, ...route }) => [name, route]))
  }
}

/** `['PUT /tasks/:id/claim', 'pact', 'write']` */
function routeOf([http, scope, access]: readonly [http: string, scope: 'pact' | 'daemon', access: string]): Route {
  const [method, below] = http.split(' ') as [string, string]
  return { method, path: scope === 'pact' ? `/v1/pacts/:pactId${below}` : `/v1${below}`, scope, access }
}
