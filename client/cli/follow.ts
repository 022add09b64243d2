/** Shows an operation while it goes on, in the way that was asked for, and ends with its exit code. Ctrl-C only leaves: the
 *  operation goes on. */
import type { OperationDocument, OperationId } from '../../contracts/operation'
import type { Ledger } from '../../ledger/ledger'
import { EXIT, exitOfOperation } from '../exit-codes'
import type { TemporalDoor } from '../temporal'
import { type WaitResult, waitForOperation } from '../wait'
import type { CliContext } from './context'
import { LiveLines } from './render/live'
import { outcomeLines } from './render/outcome'
import { stepLines, stepTree } from './render/steps'

export interface FollowOptions {
  readonly operation: OperationId
  readonly approvalTimeoutMs: number
  /** `json`: only the last document; `events`: each document that differs, one a line. */
  readonly output: 'people' | 'json' | 'events'
}

interface Presenter {
  change(document: OperationDocument): void
  /** Called once, also when the waiting failed. */
  end(): void
}

/** What `--json` prints at the end is left to the caller, who may have more to say. */
export async function followOperation(
  cli: CliContext,
  doors: { ledger: Ledger; temporal: TemporalDoor | null },
  options: FollowOptions,
): Promise<WaitResult> {
  const presenter = presenterFor(cli, options.output)
  const leave = new AbortController()
  const stopListening = cli.io.onInterrupt(() => leave.abort())
  let result: WaitResult
  try {
    result = await waitForOperation({
      ...doors,
      operation: options.operation,
      approvalTimeoutMs: options.approvalTimeoutMs,
      onChange: (document) => presenter.change(document),
      signal: leave.signal,
      vigilance: cli.vigilance,
    })
  } finally {
    stopListening()
    presenter.end()
  }
  cli.exit = result.end === 'detached' ? EXIT.detached : exitOfOperation(result.document)
  if (options.output === 'people') showOutcome(cli, result.document)
  return result
}

export function showOutcome(cli: CliContext, document: OperationDocument): void {
  const { paint, io } = cli
  cli.lines(outcomeLines(document, { paint, columns: io.columns(), historyUrl: cli.historyUrl(document.id) }))
}

function presenterFor(cli: CliContext, output: FollowOptions['output']): Presenter {
  if (output === 'events') return { change: (document) => cli.json(document), end: () => undefined }
  if (output === 'json') return { change: () => undefined, end: () => undefined }
  return cli.io.live ? liveTree(cli) : stepLog(cli)
}

function liveTree(cli: CliContext): Presenter {
  const { paint, io } = cli
  let shown: OperationDocument | null = null
  const live = new LiveLines(io, () =>
    shown === null ? [] : stepTree(shown, { paint, columns: io.columns(), now: Date.now(), standing: false }),
  )
  return {
    change(document) {
      shown = document
      live.start()
      live.paint()
    },
    end: () => live.stop(),
  }
}

/** As wide as most titles; a longer one only moves its own line. */
const LOG_TITLE_WIDTH = 25

/** A line when a step begins, another whenever its state changes. */
function stepLog(cli: CliContext): Presenter {
  const { paint, io } = cli
  const states = new Map<string, string>()
  let begun = false
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
    },
    end: () => undefined,
  }
}
