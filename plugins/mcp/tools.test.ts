/** What every session pays for: the list of tools as the plugins that come with OpenPact declare them. */
import { expect, it } from 'vitest'
import builtIn from '../../openpact.config.ts'
import { type Operation, operationPoint } from '../operations/operation.ts'
import { FIND, findAndCall, toolsOf, unlisted } from './tools.ts'

const operations = (builtIn.plugins ?? []).flatMap(entry => {
  if (typeof entry !== 'object' || 'plugin' in entry) return []
  const declared = (entry.contributes ?? []).filter(({ point }) => point === operationPoint.id)
  return declared.map(({ value }) => value as Operation)
})
const tools = toolsOf(operations)
const all = [...tools.map(({ definition }) => definition), ...findAndCall]
const listed = [
  ...tools.filter(({ operation }) => !unlisted.includes(operation.name)).map(({ definition }) => definition),
  ...findAndCall,
]

it('costs at most 2500 tokens', () => {
  const tokens = (value: unknown) => Math.ceil(Buffer.byteLength(JSON.stringify(value)) / 4)
  const total = tokens({ tools: listed })
  console.log(`${listed.length} tools, ${total} tokens: ${listed.map(d => `${d.name} ${tokens(d)}`).join(', ')}`)
  expect(total).toBeLessThanOrEqual(2500)
  expect(unlisted.filter(name => !operations.some(each => each.name === name))).toEqual([])
})

it('says of each tool when to use it and what it does to others', () => {
  for (const { name, description, annotations, inputSchema } of all) {
    expect(description, name).toMatch(/^Use (when|before|to) /)
    expect(annotations.readOnlyHint === true || annotations.destructiveHint !== undefined, name).toBe(true)
    expect(inputSchema.type, name).toBe('object')
  }
  expect(all.find(({ name }) => name === 'claim_task')?.annotations).toEqual({
    destructiveHint: false,
    idempotentHint: true,
  })
  expect(all.find(({ name }) => name === FIND)?.annotations).toEqual({ readOnlyHint: true })
})
