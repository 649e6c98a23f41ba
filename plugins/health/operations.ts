/** `GET /v1/health`: the same words for the command line, a dashboard and agents. */
import { Type } from '../../kernel/index.ts'
import { operation } from '../operations/operation.ts'
import { health } from './service.ts'

export const readHealth = operation({
  name: 'health.report',
  summary: 'How this machine and its pacts are doing, in plain words, and what to do',
  description: 'A token that is limited to some pacts is told about these alone.',
  http: 'GET /health',
  scope: 'daemon',
  access: 'read',
  input: Type.Object({}),
  output: Type.Object({
    ok: Type.Boolean({ description: 'Nothing is broken' }),
    findings: Type.Array(
      Type.Object({
        level: Type.Enum(['ok', 'advice', 'fault'], { description: 'fault: something does not work' }),
        about: Type.String(),
        words: Type.String(),
      }),
    ),
  }),
  mcp: {
    tool: 'health',
    use: 'Use when something does not arrive, is not confirmed or is refused, before you ask the user',
    idempotent: true,
  },
  run: async (_input, { kernel, caller, use }) => {
    const pacts = kernel.pacts.list().filter(({ id }) => caller.pacts?.includes(id) ?? true)
    const told = await Promise.all([
      ...(caller.pacts ? [] : [use(health).machine()]),
      ...pacts.map(pact => use(health).pact(pact)),
    ])
    const findings = told.flat()
    return { ok: findings.every(({ level }) => level !== 'fault'), findings }
  },
})
