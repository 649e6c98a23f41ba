/** `GET /v1/metrics`, for Prometheus. */
import { OpenPactError } from '../../kernel/index.ts'
import { route } from '../http/route.ts'
import { health } from './service.ts'

export const metrics = route({
  method: 'GET',
  path: '/v1/metrics',
  access: 'read',
  summary: 'Numbers of this machine in the text format of Prometheus; operations are timed from the first call on',
  handle: async ({ caller, ctx, reply }) => {
    if (caller?.pacts)
      throw new OpenPactError('OUT_OF_SCOPE', { reason: 'metrics are about all pacts of this machine' })
    const { text, type } = await ctx.use(health).metrics()
    reply.header('content-type', type)
    return text
  },
})
