/** Order of versions as text, so that an index can sort by it. Only for what `semver` accepts. */
// By the function: the whole package is 47 files at every start.
import parse from 'semver/functions/parse.js'

/**
 * A text that sorts, byte by byte, where semver puts the version; versions that differ only in build metadata have the same.
 * Null for what is no version.
 */
export function versionKey(version: string): string | null {
  const parsed = parse(version)
  if (!parsed) return null
  const { major, minor, patch, prerelease } = parsed
  // A release comes after all its pre-releases; numbers before words; a space, less than any character of a word, ends each part.
  const parts = prerelease.map(part => (typeof part === 'number' ? `0${padded(part)} ` : `1${part} `))
  return `${[major, minor, patch].map(padded).join('.')}${parts.join('') || '~'}`
}

/** Numbers of a version are exact in JavaScript. */
function padded(number: number): string {
  return String(number).padStart(16, '0')
}
