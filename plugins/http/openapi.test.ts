/** The generated document: complete, consistent in itself, and made of schemas that compile. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Local, openLocal } from '../../test/support/local-door.ts'
import { toys } from '../../test/support/toys.ts'
import { httpShape } from '../operations/http-shape.ts'
import { operations } from '../operations/service.ts'
import { http } from './route.ts'

interface Described {
  operationId: string
  summary: string
  parameters?: { name: string; in: string; required: boolean; schema: object }[]
  requestBody?: { content: Record<string, { schema: { properties: object } }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>
  security?: object[]
}
interface Document {
  openapi: string
  info: { title: string; version: string }
  servers: { url: string }[]
  security: object[]
  paths: Record<string, Record<string, Described>>
  components: { securitySchemes: object; schemas: Record<string, object> }
}

let local: Local
let document: Document

beforeAll(async () => {
  local = await openLocal([toys])
  document = (await local.send({ path: '/v1/openapi.json' })).json as unknown as Document
})
afterAll(() => local.dispose())

function all(): { path: string; method: string; described: Described }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({ path, method, described })),
  )
}

const at = (path: string, method: string) => document.paths[path]?.[method]

describe('openapi.json', () => {
  it('is OpenAPI 3.1 with what every document must have', () => {
    expect(document.openapi).toBe('3.1.0')
    expect(document.info).toMatchObject({ title: expect.any(String), version: local.kernel.version })
    expect(document.servers).toEqual([{ url: local.url }])
    expect(document.security).toEqual([{ token: [] }])
    expect(document.components.securitySchemes).toMatchObject({ token: { type: 'http', scheme: 'bearer' } })
  })

  it('holds every operation and every route', () => {
    const braces = (path: string) => path.replace(/:(\w+)/g, '{$1}')
    for (const operation of local.kernel.use(operations).list()) {
      const { path, method } = httpShape(operation)
      expect(at(braces(path), method.toLowerCase())?.operationId).toBe(operation.name)
    }
    for (const { path, method } of local.kernel.use(http).routes) {
      expect(at(braces(path), method.toLowerCase()), path).toBeDefined()
    }
  })

  it('names each operation once and each path parameter', () => {
    const ids = all().map(({ described }) => described.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { path, method, described } of all()) {
      expect(['get', 'post', 'put', 'patch', 'delete']).toContain(method)
      expect(described.summary.length).toBeGreaterThan(0)
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const declared = described.parameters?.filter(p => p.in === 'path') ?? []
      expect(declared.map(p => p.name).sort(), path).toEqual(inPath.sort())
      expect(declared.every(p => p.required)).toBe(true)
      expect(path).not.toContain(':')
    }
  })

  it('describes every answer, errors by one schema', () => {
    expect(document.components.schemas.Error).toMatchObject({
      required: expect.arrayContaining(['error', 'message', 'status']),
    })
    for (const { path, described } of all()) {
      const statuses = Object.keys(described.responses)
      expect(
        statuses.some(status => status.startsWith('2')),
        path,
      ).toBe(true)
      for (const [status, response] of Object.entries(described.responses)) {
        expect(status).toMatch(/^[2-5]\d\d$/)
        expect(response.description.length).toBeGreaterThan(0)
        if (Number(status) < 400) continue
        const { schema } = response.content?.['application/problem+json'] ?? {}
        expect(schema).toEqual({ $ref: '#/components/schemas/Error' })
      }
    }
    expect(at('/v1/pacts/{pactId}/toys/{id}', 'delete')?.responses['404']?.description).toContain('PACT_UNKNOWN')
  })

  it('is made of schemas that compile', () => {
    const ajv = new Ajv2020({ strict: false, addUsedSchema: false })
    const schemas = all().flatMap(({ described }) => [
      ...(described.parameters ?? []).map(p => p.schema),
      ...Object.values(described.requestBody?.content ?? {}).map(content => content.schema),
      ...Object.values(described.responses).flatMap(r => Object.values(r.content ?? {}).map(content => content.schema)),
    ])
    for (const schema of schemas)
      if (!('$ref' in schema)) expect(ajv.validateSchema(schema), JSON.stringify(schema)).toBe(true)
    expect(schemas.length).toBeGreaterThan(30)
  })

  it('says what goes where', () => {
    const make = at('/v1/pacts/{pactId}/toys', 'post')
    const body = make?.requestBody?.content['application/json']?.schema
    expect(Object.keys(body?.properties ?? {})).toEqual(['name', 'colour', 'parts', 'allow_secret'])
    expect(Object.keys(make?.responses ?? {})).toContain('201')
    expect(make?.parameters?.map(p => `${p.in} ${p.name}`)).toEqual(['path pactId', 'header Idempotency-Key'])
    const list = at('/v1/pacts/{pactId}/toys', 'get')
    expect(list?.parameters?.map(p => `${p.in} ${p.name}`)).toEqual([
      'path pactId',
      'query limit',
      'query topic',
      'query cursor',
    ])
    expect(list?.requestBody).toBeUndefined()
    expect(at('/v1/ping', 'get')?.security).toEqual([])
    expect(list?.security).toBeUndefined()
  })
})

describe('the list of operations', () => {
  it('has everything a command line needs', async () => {
    const answer = await local.send({ path: '/v1/operations' })
    const entries = answer.json.entries as { name: string }[]
    expect(answer.json).toMatchObject({ version: local.kernel.version, cursor: null, has_more: false })
    expect(entries.find(({ name }) => name === 'toys.create')).toMatchObject({
      plugin: 'toys',
      summary: 'Make a toy',
      http: 'POST /toys',
      method: 'POST',
      path: '/v1/pacts/:pactId/toys',
      params: [],
      query: false,
      scope: 'pact',
      access: 'write',
      errors: ['TOY_REFUSED'],
      cli: { path: 'toy make', args: ['name'] },
      input: { type: 'object', required: ['name'], additionalProperties: false },
    })
    const again = await local.send({ path: '/v1/operations', headers: { 'if-none-match': answer.headers.etag } })
    expect(again.status).toBe(304)
  })
})
