/** The ways in which a command shows an operation while it goes on: a tree that is repainted on a terminal, lines elsewhere, a JSON document
 *  for each change, or nothing until the end. What stands in its way goes where it disturbs no document: to standard error. */
import type { OperationDocument } from '../../contracts/operation'
import type { Note } from '../health-watch'
import type { CliContext } from './context'
import { LiveLines } from './render/live'
import { nextCommands } from './render/outcome'
import { cutTo } from './render/quoted'
import { stepLines, stepTree } from './render/steps'

/** `json`: only the last document; `events`: each document that differs, one a line. */
export type Output = 'people' | 'json' | 'events'

export interface Presenter {
  change(document: OperationDocument): void
  /** All that stands in the way now. */
  notes(notes: readonly Note[]): void
  /** Called once, also when the waiting failed. */
  end(): void
}

export function presenterFor(cli: CliContext, output: Output): Presenter {
  const notes = noteLog((line) => cli.io.err(`${line}\n`))
  if (output === 'events') return { change: (document) => cli.json(document), notes, end: () => undefined }
  if (output === 'json') return { change: () => undefined, notes, end: () => undefined }
  return cli.io.live ? liveTree(cli) : stepLog(cli)
}

function liveTree({ io, paint }: CliContext): Presenter {
  let shown: OperationDocument | null = null
  let standing: readonly Note[] = []
  let ended = false
  const live = new LiveLines(io, () => {
    if (shown === null) return []
    const columns = io.columns()
    return [
      ...stepTree(shown, { paint, columns, now: Date.now(), standing: false }),
      ...standing.map(({ text }) => `  ${paint('yellow', cutTo(`○ ${text}`, columns - 2))}`),
      // At the end the outcome, which comes below, says what to do next.
      ...(shown.status === 'awaiting-approval' && !ended ? nextCommands(shown).map((line) => `  ${line}`.slice(0, columns)) : []),
    ]
  })
  return {
    change(document) {
      shown = document
      live.start()
      live.paint()
    },
    notes(notes) {
      standing = notes
    },
    end() {
      ended = true
      live.stop()
    },
  }
}

/** As wide as most titles; a longer one only moves its own line. */
const LOG_TITLE_WIDTH = 25

/** A line when a step begins, another whenever its state changes. */
function stepLog(cli: CliContext): Presenter {
  const { paint, io } = cli
  const states = new Map<string, string>()
  let begun = false
  let asked = ''
  return {
    change(document) {
      if (!begun) cli.lines([`${document.kind} ${document.databases.join(', ')} · ${document.id}`])
      begun = true
      for (const step of document.steps) {
        const state = `${step.state} ${step.startedAt}`
        if (states.get(step.id) === state) continue
        states.set(step.id, state)
        cli.lines(stepLines(step, { paint, columns: io.columns(), now: Date.now(), standing: true }, LOG_TITLE_WIDTH))
      }
      const question = document.status === 'awaiting-approval' ? (document.planDigest ?? 'unknown') : ''
      if (question !== '' && question !== asked) {
        cli.lines([`  ◆ waits for an approval of plan ${question}`, ...nextCommands(document).map((line) => `    ${line}`)])
      }
      asked = question
    },
    notes: noteLog((line) => cli.lines([line])),
    end: () => undefined,
  }
}

const OVER: Partial<Record<Note['kind'], string>> = {
  'ledger-away': 'the ledger answers again',
  'temporal-away': 'Temporal answers again',
  'worker-missed': 'a worker is at work again',
}

/** A line when something begins to stand in the way or changes but for its numbers, and one when it is over. */
function noteLog(print: (line: string) => void): Presenter['notes'] {
  let told = new Map<string, Note>()
  return (notes) => {
    const now = new Map(notes.map((note) => [`${note.kind} ${note.text.replaceAll(/\d+/g, '#')}`, note]))
    for (const [key, { text }] of now) if (!told.has(key)) print(`  ○ ${cutTo(text, 1_000)}`)
    const kinds = new Set(notes.map(({ kind }) => kind))
    for (const kind of new Set([...told.values()].map((note) => note.kind))) {
      if (!kinds.has(kind) && OVER[kind] !== undefined) print(`  ● ${OVER[kind]}`)
    }
    told = now
  }
}
