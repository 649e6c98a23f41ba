/** The Corestore of one pact. */
import Corestore from 'corestore'
import HypercoreStorage from 'hypercore-storage'

/**
 * Bytes that RocksDB gathers in memory, and preallocates in its log, before it writes a table. With its own 64 MiB a bare Autobase of 100 k
 * blocks took 188 MB of memory instead of 163.
 */
const WRITE_BUFFER = 8 * 1024 * 1024

export function openStore(directory: string): Corestore {
  return new Corestore(new HypercoreStorage(directory, { writeBufferSize: WRITE_BUFFER }))
}
