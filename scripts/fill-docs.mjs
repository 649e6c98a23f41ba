// Puts the files that docs/plugins.md quotes into it: `node scripts/fill-docs.mjs` writes, `--check` fails when the page has drifted,
// or when docs/COMPARED.md names a test that is not there.
import { readFileSync, writeFileSync } from 'node:fs'

const page = 'docs/plugins.md'
const text = readFileSync(page, 'utf8')
const filled = text.replace(/<!-- file: (\S+) -->\n(?:```ts\n[\s\S]*?\n```\n)?/g, (_, file) => {
  return `<!-- file: ${file} -->\n\`\`\`ts\n${readFileSync(file, 'utf8').trimEnd()}\n\`\`\`\n`
})
if (process.argv.includes('--check')) {
  const named = [...readFileSync('docs/COMPARED.md', 'utf8').matchAll(/\| `(\S+\.test\.ts)` (.+) \|$/gm)]
  const missing = named.filter(([, file, title]) => !readFileSync(file, 'utf8').includes(title))
  for (const [, file, title] of missing) console.error(`docs/COMPARED.md: ${file} has no test "${title}"`)
  if (missing.length > 0 || named.length === 0) process.exit(1)
  if (filled !== text) {
    console.error(`${page} does not quote its files as they are: run node scripts/fill-docs.mjs`)
    process.exit(1)
  }
} else writeFileSync(page, filled)
