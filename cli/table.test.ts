import { describe, expect, it } from 'vitest'
import { plain, renderAnswer, renderTable } from './table.ts'

describe('tables', () => {
  it('aligns columns under their headings', () => {
    const rows = [
      { id: '7f2d0000-1', claimed_by: 'claude-12ab34' },
      { id: '7f2d0000-10', claimed_by: null },
    ]
    expect(renderTable(rows, ['id', 'claimed_by'])).toBe(
      'ID           CLAIMED BY\n7f2d0000-1   claude-12ab34\n7f2d0000-10\n',
    )
  })

  it('names fields of fields, things, keys and moments briefly', () => {
    const rows = [
      {
        payload: { content: 'hi' },
        devices: [{ writer: 'ab'.repeat(32) }, { handle: 'claude-12ab34', name: 'claude', revoked: true }],
        expires: 1_763_863_401_294,
      },
    ]
    expect(renderTable(rows, ['payload.content', 'devices', 'expires'])).toBe(
      'CONTENT  DEVICES                                EXPIRES\nhi       abababababab, claude-12ab34 (revoked)  2025-11-23T02:03:21.294Z\n',
    )
  })

  it('keeps a cell on one line, and at a terminal short where another column follows', () => {
    const long = `a\nb ${'x'.repeat(200)}`
    const rows = [{ content: long, state: long }]
    const row = (terminal: boolean) => renderTable(rows, ['content', 'state'], terminal).split('\n')[1]
    const whole = long.replace('\n', ' ')
    expect(row(true)).toBe(`${whole.slice(0, 59)}…  ${whole}`)
    expect(row(false)).toBe(`${whole}  ${whole}`)
    const [heading] = renderTable(rows, ['content', 'state'], false).split('\n')
    expect(heading).toBe(`${'CONTENT'.padEnd(60)}  STATE`)
  })

  it('shows control characters and direction marks instead of sending them to the terminal', () => {
    expect(plain('\u001b[2Jowned\u202e')).toBe('\\x1b[2Jowned\\x202e')
    expect(plain('tab\tand line\n')).toBe('tab\tand line\n')
  })
})

describe('answers', () => {
  it('prints a page with the way to the next one', () => {
    const page = { entries: [{ id: 'a-1', topic: 't' }], cursor: 'c2', has_more: true }
    expect(renderAnswer(page, ['id', 'topic'])).toBe('ID   TOPIC\na-1  t\n… more: --cursor c2\n')
  })

  it('shows the list that is named, and goes on behind an empty page', () => {
    const page = { entries: [], events: [{ kind: 'task.open' }], cursor: 'c2', has_more: true }
    const events = { list: 'events', flag: '--since' }
    expect(renderAnswer(page, ['kind'], events)).toBe('KIND\ntask.open\n… more: --since c2\n')
    expect(renderAnswer({ ...page, events: [] }, ['kind'], events)).toBe('… more: --since c2\n')
  })

  it('says so when there is nothing', () => {
    expect(renderAnswer({ entries: [], cursor: null, has_more: false }, ['id'])).toBe('Nothing found.\n')
  })

  it('prints an object as lines and leaves out what is absent', () => {
    expect(renderAnswer({ id: 'a-1', lease: null, topic: '', none: {}, status: 'open' }, undefined)).toBe(
      'id:     a-1\nstatus: open\n',
    )
  })

  it('shows an empty list, which may be the opposite of none at all', () => {
    expect(renderAnswer({ types: [], quotas: null }, undefined)).toBe('types: (none)\n')
  })

  it('prints objects within objects as lines of their own', () => {
    const charter = {
      name: 'x',
      types: ['a', 'b'],
      rules: [{ plugin: 'tasks', protocol: 1, settings: { max: 9 } }],
      none: {},
    }
    expect(renderAnswer({ charter, hash: 'ff' }, undefined)).toBe(
      'charter:\n  name:  x\n  types: a, b\n  rules:\n    PLUGIN  PROTOCOL  SETTINGS\n    tasks   1         {"max":9}\nhash:    ff\n',
    )
  })

  it('prints the keys of a list by their beginnings, and one alone whole', () => {
    const [one, two] = ['ab'.repeat(32), 'cd'.repeat(32)]
    expect(renderAnswer({ indexers: [one, two], hash: one }, undefined)).toBe(
      `indexers: abababababab, cdcdcdcdcdcd\nhash:     ${one}\n`,
    )
  })

  it('lets no value and no name pass for another field', () => {
    const shown = { argv: ['sh', '-c', 'true\nfires_for: nobody'], cwd: '/a\nhash: 00', 'x\u001b\ny': 1 }
    expect(renderAnswer(shown, undefined)).toBe(
      'argv:     sh, -c, true\\nfires_for: nobody\ncwd:      /a\n          hash: 00\nx\\x1b\\ny: 1\n',
    )
  })
})
