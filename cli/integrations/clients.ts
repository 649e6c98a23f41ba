/** The programs that OpenPact can be added to: where their settings are and what goes into them. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonEntry } from './json-config.ts'
import type { Program } from './program.ts'
import { shellLine } from './program.ts'
import type { TomlTable } from './toml-config.ts'

/** What goes into one file. */
export type Addition =
  | { kind: 'json'; file: string; entries: JsonEntry[] }
  | { kind: 'toml'; file: string; table: TomlTable }
  | { kind: 'whole'; file: string; text: string }

export interface Surroundings {
  home: string
  env: Record<string, string | undefined>
  platform: NodeJS.Platform
  /** `openpact mcp` as this machine has to call it. */
  server: Program
  /** `openpact hook claude-code`. */
  hook: Program
  /** The files of the agent skill, by name. */
  skill(): Promise<Record<string, string>>
}

export interface Client {
  title: string
  /** What is to be done once it is installed. */
  next: string
  additions(on: Surroundings): Addition[] | Promise<Addition[]>
}

const NAME = 'openpact'

/** Most clients keep a table of servers under this name. */
const mcpServers = (file: string, { command, args }: Program): Addition => ({
  kind: 'json',
  file,
  entries: [{ path: ['mcpServers', NAME], value: { command, args } }],
})

const configFolder = ({ home, env }: Surroundings) => env.XDG_CONFIG_HOME || join(home, '.config')

export const clients: Record<string, Client> = {
  'claude-code': {
    title: 'Claude Code',
    next: 'Start a new session of Claude Code.',
    additions: ({ home, env, server, hook }) => {
      const folder = env.CLAUDE_CONFIG_DIR
      const step = { hooks: [{ type: 'command', command: shellLine(hook), timeout: 10 }] }
      return [
        {
          kind: 'json',
          file: join(folder || home, '.claude.json'),
          entries: [{ path: ['mcpServers', NAME], value: { type: 'stdio', ...server } }],
        },
        {
          kind: 'json',
          file: join(folder || join(home, '.claude'), 'settings.json'),
          entries: ['SessionStart', 'UserPromptSubmit'].map(event => ({
            path: ['hooks', event],
            value: step,
            append: true,
          })),
        },
      ]
    },
  },
  codex: {
    title: 'Codex',
    next: 'Start a new session of Codex.',
    additions: ({ home, env, server: { command, args } }) => [
      {
        kind: 'toml',
        file: join(env.CODEX_HOME || join(home, '.codex'), 'config.toml'),
        table: { path: ['mcp_servers', NAME], values: { command, args } },
      },
    ],
  },
  cursor: {
    title: 'Cursor',
    next: 'Restart Cursor, or switch the server on in its settings.',
    additions: ({ home, server }) => [mcpServers(join(home, '.cursor', 'mcp.json'), server)],
  },
  opencode: {
    title: 'OpenCode',
    next: 'Start OpenCode again.',
    additions: on => {
      const folder = join(configFolder(on), 'opencode')
      const commented = join(folder, 'opencode.jsonc')
      const { command, args } = on.server
      return [
        {
          kind: 'json',
          file: existsSync(commented) ? commented : join(folder, 'opencode.json'),
          entries: [{ path: ['mcp', NAME], value: { type: 'local', command: [command, ...args], enabled: true } }],
        },
      ]
    },
  },
  zed: {
    title: 'Zed',
    next: 'Zed takes it up by itself.',
    additions: on => {
      const { platform, env, server } = on
      const folder = platform === 'win32' && env.APPDATA ? join(env.APPDATA, 'Zed') : join(configFolder(on), 'zed')
      const value = { source: 'custom', ...server, env: {} }
      return [
        { kind: 'json', file: join(folder, 'settings.json'), entries: [{ path: ['context_servers', NAME], value }] },
      ]
    },
  },
  'claude-desktop': {
    title: 'Claude Desktop',
    next: 'Quit Claude Desktop and start it again.',
    additions: on => {
      const { home, env, platform, server } = on
      const folder =
        platform === 'darwin'
          ? join(home, 'Library', 'Application Support')
          : platform === 'win32' && env.APPDATA
            ? env.APPDATA
            : configFolder(on)
      return [mcpServers(join(folder, 'Claude', 'claude_desktop_config.json'), server)]
    },
  },
  openclaw: {
    title: 'OpenClaw',
    next: 'Restart the gateway of OpenClaw.',
    additions: async ({ home, env, server: { command, args }, skill }) => {
      const folder = env.OPENCLAW_STATE_DIR || join(home, '.openclaw')
      const files = Object.entries(await skill())
      return [
        {
          kind: 'json',
          file: env.OPENCLAW_CONFIG_PATH || join(folder, 'openclaw.json'),
          entries: [{ path: ['mcp', 'servers', NAME], value: { command, args } }],
        },
        ...files.map(([name, text]) => ({
          kind: 'whole' as const,
          file: join(folder, 'workspace', 'skills', NAME, name),
          text,
        })),
      ]
    },
  },
}
