/** An operation's document, again and again, as a live step tree: a line for each step that has ended, the running one below. */
import type { Finding, OperationDocument, StepRecord } from '../../contracts/operation'
import { type Console, elapsed } from './console'

const MARKS: Readonly<Record<StepRecord['state'], string>> = {
  running: '…',
  done: '✔',
  failed: '✘',
  cancelled: '✘',
  undoing: '…',
  undone: '↺',
  'undo-failed': '✘',
  'undo-skipped': '✘',
}
const TITLE_WIDTH = 30

export class OperationView {
  readonly #console: Console
  readonly #told = new Map<string, string>()
  #latest: OperationDocument | null = null

  constructor(console: Console) {
    this.#console = console
  }

  get latest(): OperationDocument | null {
    return this.#latest
  }

  show(document: OperationDocument): void {
    this.#latest = document
    for (const step of document.steps) {
      const key = `${step.state} ${step.finishedAt ?? ''}`
      if (this.#told.get(step.id) === key) continue
      if (step.state === 'running' || step.state === 'undoing') continue
      this.#told.set(step.id, key)
      for (const line of stepLines(step)) this.#console.line(line)
    }
    const running = document.steps.findLast(({ state }) => state === 'running' || state === 'undoing')
    if (running === undefined) this.#console.rest()
    else if (this.#told.get(running.id) !== running.state) {
      this.#told.set(running.id, running.state)
      this.#console.working(running.title, Date.parse(running.startedAt))
    }
  }
}

function stepLines(step: StepRecord): readonly string[] {
  const findings = step.detail.findings ?? []
  const mark = findings.length > 0 ? '✘' : MARKS[step.state]
  const time = step.finishedAt === null ? '' : elapsed(Date.parse(step.startedAt), Date.parse(step.finishedAt))
  const first = `  ${mark} ${step.title.padEnd(TITLE_WIDTH)} ${time.padStart(7)}  ${step.detail.summary ?? ''}`
  return [first.trimEnd(), ...findings.flatMap(findingLines)]
}

export function findingLines(finding: Finding): readonly string[] {
  const script = finding.script === undefined ? '' : finding.script.replace(/^(.*\/)?([VR][^_]*)__.*$/, '$2')
  const place = finding.line === undefined ? script : `${script}:${finding.line}`
  const what = [place, finding.sql].filter((part) => part !== undefined && part !== '').join('  ')
  return what === '' ? [`      ✘ ${finding.message}`] : [`      ✘ ${what}`, `        ${finding.message}`]
}
