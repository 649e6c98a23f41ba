// Puts the files that docs/plugins.md quotes into it: `node scripts/fill-docs.mjs` writes, `--check` fails when the page has drifted,
// or when docs/COMPARED.md or docs/SECURITY-TESTS.md names a test that is not there.
import { readFileSync, writeFileSync } from 'node:fs'

const page = 'docs/plugins.md'
const text = readFileSync(page, 'utf8')
const filled = text.replace(/<!-- file: (\S+) -->\n(?:```ts\n[\s\S]*?\n```\n)?/g, (_, file) => {
  return `<!-- file: ${file} -->\n\`\`\`ts\n${readFileSync(file, 'utf8').trimEnd()}\n\`\`\`\n`
})
if (process.argv.includes('--check')) {
  for (const map of ['docs/COMPARED.md', 'docs/SECURITY-TESTS.md']) {
    const rows = readFileSync(map, 'utf8').match(/^\| (?!---).*\.test\.ts.*$/gm) ?? []
    for (const row of rows) {
      const [, file, title] = /\| `(\S+\.test\.ts)` (.+) \|$/.exec(row) ?? []
      if (title && readFileSync(file, 'utf8').includes(title)) continue
      console.error(`${map}: no such test in ${row}`)
      process.exitCode = 1
    }
    if (rows.length === 0) process.exitCode = 1
  }
  if (filled !== text) {
    console.error(`${page} does not quote its files as they are: run node scripts/fill-docs.mjs`)
    process.exit(1)
  }
} else writeFileSync(page, filled)
