// Which packages of package-lock.json somebody gets who installs OpenPact: those that are reached from `dependencies`.
import { readFileSync } from 'node:fs'

/** The lock file, and of its packages those that are installed with this one, by path. */
export function production(root) {
  const lock = JSON.parse(readFileSync(`${root}/package-lock.json`, 'utf8'))
  const { packages } = lock
  const found = new Set()
  const visit = path => {
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = packages[path]
    const peers = Object.keys(peerDependencies ?? {}).filter(name => !peerDependenciesMeta?.[name]?.optional)
    for (const name of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]) {
      const at = placeOf(packages, path, name)
      if (at === null || found.has(at)) continue
      found.add(at)
      visit(at)
    }
  }
  visit('')
  return { lock, packages: Object.fromEntries([...found].sort().map(path => [path, packages[path]])) }
}

/** Where Node finds `name` from the package at `from`: in its own folder or in one above. */
function placeOf(packages, from, name) {
  for (let at = from; ; ) {
    const path = `${at ? `${at}/` : ''}node_modules/${name}`
    if (packages[path]) return path
    if (!at) return null
    const end = at.lastIndexOf('/node_modules/')
    at = end < 0 ? '' : at.slice(0, end)
  }
}
