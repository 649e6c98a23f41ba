/** Types for the part of fs-native-extensions that we use. */
declare module 'fs-native-extensions' {
  /** Takes an advisory lock, exclusive unless it says shared, on an open file; false when another open file holds it. It ends with the process. */
  export function tryLock(fd: number, options?: { shared: boolean }): boolean
  export function unlock(fd: number): void
}
