/** Shows an operation while it goes on, in the way that was asked for, and ends with its exit code. Ctrl-C only leaves: the
 *  operation goes on. */
import { Failure, failure } from '../../contracts/failures'
import type { OperationDocument, OperationId } from '../../contracts/operation'
import type { Ledger } from '../../ledger/ledger'
import { EXIT, exitOfOperation } from '../exit-codes'
import { TemporalLink } from '../temporal-link'
import { type WaitResult, waitForOperation } from '../wait'
import type { CliContext } from './context'
import { type Output, presenterFor } from './presenters'
import { outcomeLines } from './render/outcome'

export interface FollowOptions {
  readonly operation: OperationId
  readonly approvalTimeoutMs: number
  readonly output: Output
}

/** What `--json` prints at the end is left to the caller, who may have more to say. */
export async function followOperation(
  cli: CliContext,
  { ledger }: { ledger: Ledger },
  options: FollowOptions,
): Promise<WaitResult> {
  const { operation, approvalTimeoutMs } = options
  const presenter = presenterFor(cli, options.output)
  const leave = new AbortController()
  const stopListening = cli.io.onInterrupt(() => leave.abort())
  const { temporal: target } = cli.settings
  // A connection of its own: it outlasts what Temporal's being away does to others.
  const temporal = target === null ? null : new TemporalLink(target)
  let result: WaitResult
  try {
    result = await waitForOperation({
      ledger,
      temporal,
      operation,
      approvalTimeoutMs,
      onChange: (document) => presenter.change(document),
      onNotes: (notes) => presenter.notes(notes),
      signal: leave.signal,
      vigilance: cli.vigilance,
    })
  } catch (error) {
    throw withHistory(error, cli.historyUrl(operation))
  } finally {
    stopListening()
    presenter.end()
    await temporal?.close()
  }
  cli.exit = result.end === 'detached' ? EXIT.detached : exitOfOperation(result.document)
  if (options.output === 'people') showOutcome(cli, result.document)
  return result
}

/** A defect of a workflow is looked into on Temporal's own page. */
function withHistory(error: unknown, history: string | null): unknown {
  if (!(error instanceof Failure) || error.code !== 'DEFECT' || history === null) return error
  return failure(error.code, error.message, { ...error.facts, history })
}

export function showOutcome(cli: CliContext, document: OperationDocument): void {
  const { paint, io } = cli
  cli.lines(outcomeLines(document, { paint, columns: io.columns(), historyUrl: cli.historyUrl(document.id) }))
}
