/** Scripts that complete commands and flags in a shell. They hold all words, so that a key press starts no process. */
import type { Command, Option } from 'commander'

/** What can follow some words of a command line. */
export interface Place {
  /** The commands above, each after a blank: ` task add`. Empty for the program itself. */
  path: string
  words: Word[]
}

export interface Word {
  word: string
  about: string
}

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** Words of another shape would be read by a shell as something else, so they are not offered. */
const plainWord = /^[A-Za-z0-9][A-Za-z0-9._-]*$|^--?[A-Za-z0-9][A-Za-z0-9-]*$/

/** Every place of a program with its words, the program first. */
export function placesOf(program: Command): Place[] {
  const general = wordsOf(program.options)
  const visit = (command: Command, path: string): Place[] => {
    const help = command.createHelp()
    const below = help.visibleCommands(command).filter(each => each.name() !== 'help')
    const own = below.map(each => ({ word: each.name(), about: each.summary() || each.description() }))
    const flags = command === program ? general : [...wordsOf(command.options), ...general]
    const help_ = { word: '--help', about: 'say how it is used' }
    const words = [...own, ...flags, help_].filter(({ word }) => plainWord.test(word))
    return [{ path, words }, ...below.flatMap(each => visit(each, `${path} ${each.name()}`))]
  }
  return visit(program, '')
}

function wordsOf(options: readonly Option[]): Word[] {
  return options.flatMap(({ long, hidden, description }) =>
    long && !hidden ? [{ word: long, about: description }] : [],
  )
}

/** The script for a shell; `eval` or `source` it. */
export function completionScript(shell: Shell, places: readonly Place[]): string {
  return { bash, zsh, fish }[shell](places)
}

function bash(places: readonly Place[]): string {
  return `# Completion of openpact for bash: eval "$(openpact completion bash)"
_openpact() {
  local at="" word found=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at $word" in
      ${paths(places)}) at="$at $word" ;;
    esac
  done
  case "$at" in
${places.map(({ path, words }) => `    ${quoted(path)}) found=${quoted(words.map(({ word }) => word).join(' '))} ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$found" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _openpact openpact
`
}

function zsh(places: readonly Place[]): string {
  const described = ({ word, about }: Word) => quoted(`${word}:${line(about)}`)
  return `#compdef openpact
# Completion of openpact for zsh: eval "$(openpact completion zsh)", after compinit
_openpact() {
  local at="" word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
      ${paths(places)}) at="$at $word" ;;
    esac
  done
  case "$at" in
${places.map(({ path, words }) => `    ${quoted(path)}) found=(${words.map(described).join(' ')}) ;;`).join('\n')}
  esac
  _describe 'openpact' found || _files
}
compdef _openpact openpact
`
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words }) =>
    words.map(({ word, about }) => {
      const what = word.startsWith('--') ? `-l ${quoted(word.slice(2))}` : `-f -a ${quoted(word)}`
      return `complete -c openpact -n ${quoted(`test "$(__openpact_at)" = "${path}"`)} ${what} -d ${quoted(line(about))}`
    }),
  )
  return `# Completion of openpact for fish: openpact completion fish | source
function __openpact_at
  set -l at ""
  for word in (commandline -opc)[2..]
    switch "$at $word"
      case ${places
        .slice(1)
        .map(({ path }) => quoted(path))
        .join(' ')}
        set at "$at $word"
    end
  end
  echo $at
end
${lines.join('\n')}
`
}

/** Alternatives of a `case`. */
function paths(places: readonly Place[]): string {
  return places
    .slice(1)
    .map(({ path }) => quoted(path))
    .join(' | ')
}

/** One word for any of the three shells: plugins of others wrote some of the texts. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, ' ')}'`
}

/** On one line, and short: a menu is no manual. */
function line(text: string): string {
  return text
    .replace(/[\p{Cc}\s:]+/gu, ' ')
    .trim()
    .slice(0, 80)
}
