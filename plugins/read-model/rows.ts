/**
 * Keys of rows. One integer says pact, lane and position, so that it is the primary key itself and every index ends in it:
 * a range of one lane is a page in ledger order, and no index repeats the pact.
 */

/**
 * Accepted and refused entries are kept apart, so that a list of accepted ones never has to step over refused ones, however many
 * a hostile member writes. Preview lanes hold the newest entries while older history is still being fetched.
 */
export const lanes = { accepted: 0, refused: 1, previewAccepted: 2, previewRefused: 3 } as const
export type Lane = (typeof lanes)[keyof typeof lanes]

const LANES = 4
/** Positions per lane. SQLite needs 6 bytes for such a key while there are fewer than 8,192 pacts. */
const SPAN = 2 ** 32

/** The key of an accepted entry of the first pact (number 1) is its position: 3 bytes, in every index, up to 8 million entries. */
export function rowKey(pactNo: number, lane: Lane, position: number): number {
  return laneKey(pactNo, lane) * SPAN + position
}

export function positionOf(key: number): number {
  return key % SPAN
}

export function laneOf(key: number): Lane {
  return (Math.floor(key / SPAN) % LANES) as Lane
}

/** What SQL gets by `at >> 32`: pact and lane in one number, for indexes that have something between them and the position. */
export function laneKey(pactNo: number, lane: Lane): number {
  return (pactNo - 1) * LANES + lane
}
