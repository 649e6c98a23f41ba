/** How a declaration of an operation becomes the type of a call. Nothing here exists at run time. */

/** What is known of operations: their inputs and outputs by name. */
export type OperationTypes = Record<string, { input: object; output: unknown }>

/** What `operation({ … })` of the plugin `operations` answers, as far as types are made of it. */
interface Declaration {
  definition: { name: string; run: (...args: never[]) => unknown }
}

type Named<Declared extends Declaration, Name extends string> = Extract<Declared, { definition: { name: Name } }>

interface CallOf<Run extends (...args: never[]) => unknown> {
  input: Run extends (input: infer Input extends object, ...rest: never[]) => unknown ? Input : never
  output: Awaited<ReturnType<Run>>
}

/**
 * The operations of a plugin, by the types of its declarations:
 * `connect<OperationsOf<typeof import('openpact-plugin-polls/operations')>>()`. What else the module exports does not matter.
 */
export type OperationsOf<Module> = {
  [Name in Extract<Module[keyof Module], Declaration>['definition']['name']]: CallOf<
    Named<Extract<Module[keyof Module], Declaration>, Name>['definition']['run']
  >
}

/** The input may be left out where no field of it is required. */
export type Arguments<Input extends object, Options> =
  Record<never, never> extends Input ? [input?: Input, options?: Options] : [input: Input, options?: Options]

interface Page {
  entries: readonly unknown[]
  cursor: string | null
  has_more: boolean
}

/** Names of operations that answer lists: what `list` can walk through. A cursor that is never null is one to follow, not to end. */
export type ListName<Ops extends OperationTypes> = {
  [Name in keyof Ops]: Ops[Name]['output'] extends Page
    ? null extends Ops[Name]['output']['cursor']
      ? Name
      : never
    : never
}[keyof Ops] &
  string

/** One entry of a list. */
export type ItemOf<Output> = Output extends { entries: readonly (infer Item)[] } ? Item : never
