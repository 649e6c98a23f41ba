/**
 * Writes `operations.ts`: the types and routes of the operations that come with OpenPact, from their declarations, so that the package
 * needs nothing of the daemon. Run by `npm run generate -w sdk`; a test fails when the file is not what this makes of the declarations.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { errorCodes } from '../kernel/errors.ts'
import config from '../openpact.config.ts'
import { type Operation, operationPoint } from '../plugins/operations/operation.ts'
import { plainSchema } from '../plugins/operations/schema-check.ts'
import { typeText } from './schema-type.ts'

/** The text of `operations.ts`. */
export function operationsText(): string {
  const operations = (config.plugins ?? []).flatMap(entry => {
    if (typeof entry !== 'object' || 'plugin' in entry) return []
    const declared = (entry.contributes ?? []).filter(({ point }) => point === operationPoint.id)
    return declared.map(({ value }) => value as Operation)
  })
  operations.sort((a, b) => (a.name < b.name ? -1 : 1))
  return `// Generated from the declarations of operations by \`npm run generate -w sdk\`; not to be edited.

export type Operations = {
${operations.map(typesOf).join('\n')}
}

/** Method and path as declared, below /v1/pacts/:pactId (scope pact) or /v1; scope; access. */
export const routes: Record<string, readonly [http: string, scope: 'pact' | 'daemon', access: string]> = {
${operations.map(({ name, http, scope = 'pact', access }) => `  '${name}': ['${http}', '${scope}', '${access}'],`).join('\n')}
}

export type ErrorCode =
${errorCodes()
  .map(code => `  | '${code}'`)
  .join('\n')}
`
}

function typesOf({ name, summary, input, output }: Operation): string {
  const [takes, gives] = [input, output].map(schema => typeText(plainSchema(schema)))
  return `  /** ${summary.replaceAll('*/', '* /')} */\n  '${name}': { input: ${takes}; output: ${gives} }`
}

/** The sources' folder, also when this runs from dist/. */
const file = fileURLToPath(new URL('operations.ts', import.meta.url)).replace(/dist[\\/](?=sdk[\\/])/, '')

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = operationsText()
  const same = readFileSync(file, 'utf8') === text
  if (!same) writeFileSync(file, text)
  console.log(`${file}: ${same ? 'as it was' : 'written'}`)
}
