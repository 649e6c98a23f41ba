import { describe, expect, it } from 'vitest'
import { OpenPactError, Type } from '../../kernel/index.ts'
import { type Operation, operation } from './operation.ts'
import { Registry } from './registry.ts'
import './errors.ts'

function toy(changes: Partial<Operation>): { plugin: string; value: Operation } {
  const { definition } = operation({
    name: 'toy.get',
    summary: 'Get a toy',
    http: 'GET /toys/:id',
    access: 'read',
    input: Type.Object({ id: Type.String() }),
    output: Type.Object({}),
    run: () => ({}),
  })
  return { plugin: 'toy', value: { ...(definition as unknown as Operation), ...changes } }
}

function faults(...contributions: { plugin: string; value: Operation }[]): string {
  try {
    new Registry(contributions)
  } catch (error) {
    expect(error).toBeInstanceOf(OpenPactError)
    expect((error as OpenPactError).code).toBe('OPERATIONS_INVALID')
    return (error as OpenPactError).message
  }
  return ''
}

describe('registry', () => {
  it('finds by name and owner, and names near ones', () => {
    const registry = new Registry([toy({})])
    expect(registry.get('toy.get').shape).toEqual({
      method: 'GET',
      path: '/v1/pacts/:pactId/toys/:id',
      params: ['id'],
      query: true,
    })
    expect(registry.owner('toy.get')).toBe('toy')
    expect(() => registry.get('toy.gte')).toThrow(expect.objectContaining({ code: 'OPERATION_UNKNOWN' }))
    expect(() => registry.get('toy.gte')).toThrow(expect.objectContaining({ help: expect.stringContaining('toy.get') }))
  })

  it('reports every misdeclared operation at once, with its plugin', () => {
    const words = faults(
      toy({}),
      toy({ name: 'toy.twin' }),
      toy({ name: 'toy.wild', http: 'GET things' }),
      toy({ name: 'toy.lost', http: 'GET /boxes/:box' }),
      toy({ name: 'toy.list', http: 'GET /list', input: Type.Array(Type.String()) as never }),
      toy({ http: 'GET /other', input: Type.Object({}) }),
    )
    expect(words).toContain('"toy.twin" of plugin toy: GET /v1/pacts/:/toys/: belongs to "toy.get" already')
    expect(words).toContain('"toy.wild" of plugin toy: http is "GET things"')
    expect(words).toContain('path parameter "box" is not a field of input')
    expect(words).toContain('input is not an object schema')
    expect(words).toContain('the name toy.get belongs to "toy.get" already')
  })

  it('refuses one command or tool for two operations', () => {
    const cli = { path: 'toy get' }
    const mcp = { tool: 'get_toy' }
    const words = faults(toy({ cli, mcp }), toy({ name: 'toy.b', http: 'GET /b', input: Type.Object({}), cli, mcp }))
    expect(words).toContain('the command "toy get" belongs to "toy.get" already')
  })

  it('names operation and plugin when a schema cannot be compiled', () => {
    const registry = new Registry([toy({ input: { type: 'object', properties: { id: { type: 'wrong' } } } as never })])
    expect(() => registry.get('toy.get').checkInput({}, false)).toThrow(
      expect.objectContaining({ code: 'OPERATION_MISDECLARED', message: expect.stringContaining('plugin toy') }),
    )
  })
})
