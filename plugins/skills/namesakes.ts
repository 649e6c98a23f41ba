/**
 * All that was published under one name, by whomever. The name belongs to the identity that used it first in the order of the log; of
 * what one identity published under a version, the first is that version. So every machine with the same log means the same by a name.
 */
import type { Pact } from '../../kernel/index.ts'
import type { EntryView, ReadModel } from '../read-model/service.ts'
import { agentRows, firstRow, highestRow, type SkillRow, versionRow } from './queries.ts'
import { versionKey } from './version-key.ts'

export const standings = ['stands', 'other-author', 'superseded'] as const
export type Standing = (typeof standings)[number]

type Author = Pick<EntryView, 'agent' | 'author' | 'identity'>

export class Namesakes {
  /** The person to whom the name belongs; null when nobody has used it. */
  readonly owner: string | null
  /** Handle of the agent that used it first. */
  readonly ownerHandle: string
  private readonly model: ReadModel
  private readonly pact: Pact
  private readonly name: string
  private readonly authors: readonly Author[]

  constructor(model: ReadModel, pact: Pact, name: string) {
    this.model = model
    this.pact = pact
    this.name = name
    const first = firstRow(model, pact, name)
    const rows = first ? agentRows(model, pact, name) : []
    this.authors = [
      ...model
        .entriesAt(
          pact,
          rows.map(({ position }) => position),
        )
        .values(),
    ]
    const owner = this.authors.find(({ agent }) => agent === first?.agent)
    this.owner = owner ? personOf(owner) : null
    this.ownerHandle = owner?.author ?? ''
  }

  /** The person that a handle or a key names, of those who published under this name. */
  named(author: string): string | null {
    const found = this.authors.find(each => isNamed(each, author))
    return found ? personOf(found) : null
  }

  isBy(entry: EntryView, author: string): boolean {
    return this.named(author) === personOf(entry)
  }

  /** The highest version of a person, or the highest below one. */
  highest(person: string, below: string | null = null): SkillRow | null {
    const rows = this.of(person).flatMap(agent => highestRow(this.model, this.pact, this.name, agent, below) ?? [])
    const [best] = rows.sort((a, b) =>
      a.version_key < b.version_key ? 1 : a.version_key > b.version_key ? -1 : b.position - a.position,
    )
    return best ? this.version(person, best.version, best.version_key) : null
  }

  /** What a person published under a version, the first of it. */
  version(person: string, version: string, version_key: string): SkillRow | null {
    const { model, pact, name } = this
    const rows = this.of(person).flatMap(agent => versionRow(model, pact, { name, agent, version, version_key }) ?? [])
    return rows.sort((a, b) => a.position - b.position)[0] ?? null
  }

  /** Handles of the agents that published a version. */
  publishersOf(version: string, version_key: string): string[] {
    const { model, pact, name } = this
    return this.authors
      .filter(({ agent }) => versionRow(model, pact, { name, agent, version, version_key }))
      .map(({ author }) => author)
  }

  /** What an entry of this name and the given version is beside the others. */
  standing(entry: EntryView, version: string): Standing {
    const key = versionKey(version)
    if (key === null || this.owner === null) return 'stands'
    const person = personOf(entry)
    const first = this.version(person, version, key)
    if (first && first.id !== entry.id) return 'superseded'
    if (person === this.owner) return 'stands'
    return this.version(this.owner, version, key) ? 'superseded' : 'other-author'
  }

  /** Agents of a person that published under this name. */
  private of(person: string): string[] {
    return this.authors.filter(each => personOf(each) === person).map(({ agent }) => agent)
  }
}

/** Several agents of one identity are one person. Until it is known whose an agent is, it stands for itself. */
function personOf({ identity, agent }: Author): string {
  return identity ?? agent
}

function isNamed({ identity, agent, author }: Author, name: string): boolean {
  return name === author || name === agent || name === identity
}
