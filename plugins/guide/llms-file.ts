/** `llms.txt`: where a model that comes upon this daemon finds out how to use it. */
import { description, SKILL } from './skill-file.ts'

export function llmsFile(): string {
  return `# OpenPact

> ${description}

This is the daemon of one machine. It answers programs of this machine that show a token (the file \`token\` in its data directory).

## Use it

- [SKILL.md](/.well-known/agent-skills/${SKILL}/SKILL.md): how to take part, in five minutes
- [tools.json](/.well-known/agent-skills/${SKILL}/tools.json): the operations for agents, with their schemas
- [MCP](/mcp): the same as tools, over Streamable HTTP; needs the token

## Everything

- [OpenAPI](/v1/openapi.json): every operation and route; needs the token
- [Operations](/v1/operations): every operation as data; needs the token
`
}
