/** The only import path for plugins and embedders. */
export { type Config, defineConfig } from './config.ts'
export { isDiskFull, outOfSpace } from './disk.ts'
export * from './errors.ts'
export { type Author, type HookKind, type HookMap, type HookName, hookKinds } from './hooks.ts'
export { machineError } from './host/data-dir.ts'
export { type StartOptions, startKernel, version } from './host/start.ts'
export { handleOf } from './identity/handle.ts'
export { recoverIdentity } from './identity/identity.ts'
export { verifyDeviceProof } from './identity/proof.ts'
export { type Static, type TSchema, Type } from './json-schema.ts'
export type * from './kernel.ts'
export {
  type CarriedAgent,
  type CarriedAgents,
  type Followed,
  follow,
  joinBlocks,
  splitBlocks,
  takeBlock,
} from './ledger/carried.ts'
export { ACCEPTED, type Draft, type Entry, type LogRecord, type Receipt, type Ref, type Until } from './ledger/entry.ts'
export { IMPORT, limits } from './ledger/envelope.ts'
export { decodeRecord } from './ledger/record.ts'
export { type Application, applicationOf, asApplication, provenBy } from './ledger/seats.ts'
export { bootId, sameBoot } from './ledger/shutdown-mark.ts'
export type * from './pact.ts'
export * from './plugin.ts'
export { agentData, doorKey, doorTopic, joinData, pactId } from './replication/topics.ts'
