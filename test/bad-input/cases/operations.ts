/** Operations that are not there, or not in the state in which the decision could be taken. */
import type { FailureCode } from '../../../contracts/failures'
import { FAILURE_KINDS, FAILURES } from '../../../contracts/failures'
import type { BadInput } from '../support/bad-input'

function asked(title: string, code: FailureCode, names: string, ...args: string[]): BadInput {
  return {
    title,
    exit: FAILURE_KINDS[FAILURES[code]].exit,
    code,
    names,
    given: (world) => ({
      args: ['ops', ...args],
      env: { CAPSTAN_LEDGER_URL: world.ledgerUrl, TEMPORAL_ADDRESS: world.temporal },
    }),
  }
}

const unknown = (command: string, ...more: string[]) =>
  asked(`${command} an operation that is not there`, 'OPERATION_UNKNOWN', 'ops list', command, 'migrate-other-k3x7qa', ...more)
const over = (command: string, ...more: string[]) =>
  asked(`${command} an operation that is over`, 'OPERATION_CLOSED', 'rejected', command, 'given-ended', ...more)
const early = (command: string, ...more: string[]) =>
  asked(`${command} an operation that only runs`, 'OPERATION_NOT_WAITING', 'running', command, 'given-running', ...more)

export const OPERATIONS: readonly BadInput[] = [
  unknown('show'),
  unknown('watch'),
  unknown('evidence'),
  unknown('approve'),
  unknown('reject', '--reason', 'no'),
  unknown('abort'),
  unknown('resolve', 'retry'),
  { ...asked('metrics of orphans without the report', 'OPTION_INVALID', '--report', 'orphans', '--prometheus'), once: true },
  asked('a report of orphans that removes them', 'OPTION_INVALID', '--report', 'orphans', '--report', '--remove', '--yes'),
  asked('a mistyped id', 'OPERATION_UNKNOWN', 'did you mean given-running?', 'show', 'given-runing'),
  over('approve'),
  over('reject', '--reason', 'no'),
  over('abort'),
  over('resolve', 'retry'),
  early('approve'),
  early('reject', '--reason', 'no'),
  early('resolve', 'skip'),
  asked('approve what waits, though its workflow is lost', 'DEFECT', 'given-waiting', 'approve', 'given-waiting'),
  asked(
    'resolve another step than the one that waits',
    'OPTION_INVALID',
    'canary',
    'resolve',
    'given-stuck',
    'done',
    '--step',
    'snapshot',
  ),
  asked('abort what waits for an operator', 'OPERATION_NOT_WAITING', 'resolve', 'abort', 'given-stuck'),
  asked('evidence of an operation that runs', 'EVIDENCE_MISSING', 'ends', 'evidence', 'given-running'),
  asked('evidence that was never written', 'EVIDENCE_MISSING', 'ops show', 'evidence', 'given-rejected'),
]
