/** A page that the daemon itself serves, with the built SDK beside it: what a dashboard is to a browser. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { definePlugin } from 'openpact'
import { route } from 'openpact/plugins/http'

const sdk = join(import.meta.dirname, '..', '..', 'dist', 'sdk')

const html = `<!doctype html><title>OpenPact</title>
<script type="module">import * as sdk from '/page/browser.js'; globalThis.sdk = sdk</script>`

export default definePlugin({
  name: 'page',
  version: '0.0.0',
  api: 1,
  summary: 'for tests',
  contributes: [
    route({
      method: 'GET',
      path: '/page',
      access: 'open',
      summary: 'A page with nothing but the SDK, as `sdk`',
      handle: ({ reply }) => reply.type('text/html; charset=utf-8').send(html),
    }),
    route({
      method: 'GET',
      path: '/page/:file',
      access: 'open',
      summary: 'A file of the SDK',
      handle: async ({ request, reply }) => {
        const { file } = request.params as { file: string }
        const text = /^[a-z-]+\.js$/.test(file) ? await readFile(join(sdk, file), 'utf8') : ''
        return reply.type('text/javascript; charset=utf-8').send(text)
      },
    }),
  ],
})
