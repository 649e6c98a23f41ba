/** Settings of this machine's HTTP server. */
import { type Static, Type } from '../../kernel/index.ts'

const Rate = (burst: number, rate: number) =>
  Type.Object(
    {
      burst: Type.Number({ minimum: 1, default: burst, description: 'Requests at once' }),
      rate: Type.Number({ exclusiveMinimum: 0, default: rate, description: 'Requests per second in the long run' }),
    },
    { default: {} },
  )

/** Where clients look when nothing else is said. */
export const DEFAULT_PORT = 6736

export const httpConfig = Type.Object({
  port: Type.Integer({ minimum: 0, maximum: 65_535, default: DEFAULT_PORT, description: '0 takes any free port' }),
  host: Type.Union([Type.Literal('127.0.0.1'), Type.Literal('::1')], {
    default: '127.0.0.1',
    description: 'Loopback only: nothing here is made for a network',
  }),
  body_limit: Type.Integer({ minimum: 1024, maximum: 16_777_216, default: 131_072, description: 'Bytes' }),
  limits: Type.Object(
    {
      // Never below 10 000 per second, whatever the pattern.
      token: Rate(20_000, 20_000),
      stranger: Rate(20, 5),
    },
    { default: {} },
  ),
})

export type HttpConfig = Static<typeof httpConfig>
