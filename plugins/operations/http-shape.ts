/** Where an operation is served: its `http` declaration taken apart. */
import type { Operation } from './operation.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface HttpShape {
  method: Method
  /** From the root, e.g. `/v1/pacts/:pactId/tasks/:id/claim`. */
  path: string
  /** Path parameters that are fields of the input; without `pactId` for scope `pact`. */
  params: readonly string[]
  /** The input comes from the query string, otherwise from the body. */
  query: boolean
}

const declaration = /^(GET|POST|PUT|PATCH|DELETE) ((?:\/(?::[a-zA-Z]\w*|[a-z0-9._-]+))+)$/

/** @throws TypeError when the declaration does not read `METHOD /path/:param` */
export function httpShape({ http, scope }: Pick<Operation, 'http' | 'scope'>): HttpShape {
  const found = declaration.exec(http)
  if (!found) throw new TypeError(`http is "${http}" and should read like "PUT /tasks/:id/claim"`)
  const method = found[1] as Method
  const below = found[2]!
  return {
    method,
    path: scope === 'daemon' ? `/v1${below}` : `/v1/pacts/:pactId${below}`,
    params: [...below.matchAll(/:(\w+)/g)].map(([, name]) => name!),
    query: method === 'GET' || method === 'DELETE',
  }
}
