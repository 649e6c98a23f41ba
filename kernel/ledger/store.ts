/** The Corestore of one pact. */
import Corestore from 'corestore'
import HypercoreStorage from 'hypercore-storage'

/**
 * Bytes that RocksDB gathers in memory, and preallocates in its log, before it writes a table. Of its own 64 MiB a process with one
 * pact of 100 k entries was 25 MB larger, and a closed pact took 57 B more per entry.
 */
const WRITE_BUFFER = 8 * 1024 * 1024

export function openStore(directory: string): Corestore {
  return new Corestore(new HypercoreStorage(directory, { writeBufferSize: WRITE_BUFFER }))
}
