/** An operation: declared once, offered over HTTP, command line, MCP and SDK. */
import {
  contribute,
  type Draft,
  extensionPoint,
  type Kernel,
  type Pact,
  type Receipt,
  type ServiceRef,
  type Static,
  type TSchema,
  Type,
  type Until,
} from '../../kernel/index.ts'

/** What an agent may do with a token: `open` needs none. */
export type Access = 'open' | 'read' | 'write' | 'admin'

/** The entry that started a program. What the program writes carries it, whatever it says itself. */
export interface Cause {
  /** Id of the entry. */
  entry: string
  /** How many programs stand between the first entry and what is written now. */
  hops: number
  /** Names the run of the program, as its plugin knows it: 32 hex. */
  run: string
}

/** The caller, as the access plugin established it. */
export interface Caller {
  /** Name of the agent of this machine. */
  agent: string
  /** Pact ids the token is limited to; null for all. */
  pacts: readonly string[] | null
  /** Operation names or `<plugin>.*` the token is limited to; null for all. */
  operations: readonly string[] | null
  /** The most it may do; `admin` if absent. */
  access?: Exclude<Access, 'open'>
  /** Present for programs that an entry started. */
  cause?: Cause
}

/** What `run` gets beside its input. */
export interface Call {
  /** The pact that was addressed. @throws OpenPactError PACT_UNKNOWN for operations of scope `daemon` */
  readonly pact: Pact
  /** A nameless caller without rights on `open` operations called without a token. */
  readonly caller: Caller
  readonly kernel: Kernel
  /** Aborted when the caller goes away or its token ends. */
  readonly signal: AbortSignal
  use<T>(ref: ServiceRef<T>): T
  /**
   * Writes one entry in the caller's name. With an Idempotency-Key, a retry finds the first entry and answers its receipt.
   * Throws the coded error of the verdict when the ledger refused it; `details` fill the placeholders of its message.
   */
  append(
    draft: Draft,
    options?: { until?: Until; timeout?: number; details?: Record<string, unknown> },
  ): Promise<Receipt>
  /**
   * Waits until an entry that this machine wrote is confirmed, or `timeout` (ms, 10 000) is over; answers whether it is. It is followed
   * over reorders, so its verdict may be another one then.
   */
  confirmation(id: string, timeout?: number): Promise<boolean>
  /** Marks the answer as not yet settled: 202 over HTTP, `pending: true` stays the operation's to say. */
  pending(): void
}

export interface CliShape {
  /** Words of the command, e.g. `task claim`. */
  path: string
  /** Instead of the description, where that speaks of HTTP. */
  description?: string
  /** Inputs taken as positional arguments, in order; the rest become `--flags`. */
  args?: readonly string[]
  /** An input that is typed as the path of a text file and sent as what is in it; `-` reads standard input. */
  file?: string
  /** Columns of the table printed for people when the answer is a list; `payload.content` is a field of a field. */
  columns?: readonly string[]
  /** The list of the answer that those are of; `entries` if absent. */
  list?: string
  /** The one field of the answer, a text, that is printed, and as it is: its reader may be a file or a program. */
  text?: string
  /** Said to people after the answer; `{field}` stands for a field of it, `{url}` for the daemon's address, `{pact}` for the pact that was meant. */
  after?: string
  /** Said to people behind that where the field of this name is true in the answer. */
  notes?: Readonly<Record<string, string>>
}

export interface McpShape {
  tool: string
  /** "Use when …" */
  use?: string
  idempotent?: boolean
  destructive?: boolean
}

export interface Operation<
  Input extends TSchema = TSchema,
  Output extends TSchema = TSchema,
  Name extends string = string,
> {
  /** `<plugin>.<verb>` */
  name: Name
  summary: string
  description?: string
  /** Method and path below `/v1/pacts/:pactId` (scope `pact`) or `/v1` (scope `daemon`). Path params are fields of `input`. */
  http: string
  /** `pact` by default. */
  scope?: 'pact' | 'daemon'
  access: Access
  /** False for what changes this machine alone: nothing of its input gets into an entry. */
  signs?: false
  /** An object schema: path parameters, then query (GET, DELETE) or body (POST, PUT, PATCH). */
  input: Input
  output: Output
  /** Status of a settled answer: 200, or 201 for what creates. */
  created?: boolean
  /** Weak `ETag` over the body. By default on for a GET with a path parameter of its own. */
  etag?: boolean
  /** Bytes of a request body that it takes where the server's own limit is lower. */
  bodyLimit?: number
  /** Codes it may answer beside those every operation may (input, access, pact). */
  errors?: readonly string[]
  cli?: CliShape
  mcp?: McpShape
  run(input: Static<Input>, call: Call): Promise<Static<Output>> | Static<Output>
}

/** Filled by any plugin, served by `http` and the other surfaces. */
export const operationPoint = extensionPoint<Operation>('operations.operation', o => o.name)

/** Declares an operation: its name, input and output types are inferred; the SDK's types are made of them. */
export function operation<const Input extends TSchema, const Output extends TSchema, const Name extends string>(
  definition: Operation<Input, Output, Name>,
) {
  const offered = definition as unknown as Operation
  const input = writesText(offered) ? withOverride(offered.input) : offered.input
  return Object.assign(contribute(operationPoint, { ...offered, input }), { definition })
}

/** The input that every operation has which may write text into a pact. Added by `operation`, taken out again before `run`. */
const Override = {
  allow_secret: Type.Optional(
    Type.Boolean({ description: 'Sign it although it seems to hold a secret; every reader sees that' }),
  ),
}

function writesText({ access, scope, http, signs }: Operation): boolean {
  const writes = access === 'write' || access === 'admin'
  return writes && signs !== false && scope !== 'daemon' && /^(POST|PUT|PATCH) /.test(http)
}

function withOverride(input: TSchema): TSchema {
  const { properties, allOf } = input as { properties?: object; allOf?: object[] }
  if (allOf) return { ...input, allOf: [...allOf, Type.Object(Override)] }
  return { ...input, properties: { ...properties, ...Override } }
}

/** Takes the override of the search for secrets out of a checked input. */
export function takeOverride(input: { allow_secret?: boolean }): boolean {
  const { allow_secret = false } = input
  delete input.allow_secret
  return allow_secret
}

/** Inputs of every operation that writes: how sure the answer is to be. Spread them into `input`, hand them to `call.append`. */
export const Waiting = {
  until: Type.Optional(
    Type.Enum(['applied', 'confirmed'], {
      description: 'applied: it stands in the view of this machine; confirmed: no reorder can change it any more',
    }),
  ),
  timeout: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 600_000, description: 'How long to wait for the confirmation, in ms (10000)' }),
  ),
}
