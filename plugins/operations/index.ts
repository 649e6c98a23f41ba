/** The registry of operations: declared once by any plugin, run the same way for every surface. */
import { definePlugin, Type } from '../../kernel/index.ts'
import { access } from '../access/service.ts'
import { readModel } from '../read-model/service.ts'
import './errors.ts'
import { healthPoint } from './health.ts'
import { operationPoint } from './operation.ts'
import { listOperations } from './operation-list.ts'
import { Registry } from './registry.ts'
import { OperationRunner } from './runner.ts'
import { operations } from './service.ts'

// What other plugins may import, in the tree and out of it (`openpact/plugins/operations`).
export * from './health.ts'
export * from './named-agent.ts'
export * from './operation.ts'
export * from './service.ts'
export * from './unsettled.ts'

export default definePlugin({
  name: 'operations',
  version: '0.1.0',
  api: 1,
  summary: 'Runs operations for HTTP, command line and MCP, each declared once',
  requires: [readModel, access],
  provides: [operations],
  config: Type.Object({
    check_output: Type.Boolean({ default: false, description: 'Refuse answers that do not fit their schema' }),
  }),
  points: [operationPoint, healthPoint],
  contributes: [listOperations],
  setup(ctx) {
    const registry = new Registry(ctx.contributions(operationPoint))
    ctx.provide(
      operations,
      new OperationRunner({
        registry,
        kernel: ctx.kernel,
        readModel: ctx.use(readModel),
        access: ctx.use(access),
        log: ctx.log,
        checkOutput: ctx.config.check_output,
      }),
    )
  },
})
