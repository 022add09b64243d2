/** `capstan ops approve|reject|abort|resolve OPERATION`: what a person decides about a running operation. */
import { Argument, type Command } from 'commander'
import { abort } from '../../abort'
import { approve, reject, resolve } from '../../decide'
import { parseOperationId } from '../../operation-id'
import type { CliContext } from '../context'
import { byOption, example, jsonOption, planDigest, someText } from '../options'

interface DecisionOptions {
  readonly by?: string
  readonly json?: boolean
}

export function addOpsApprove(ops: Command, cli: CliContext): void {
  ops
    .command('approve')
    .description('Approve the plan that an operation waits with. Whoever asked for the operation cannot approve it.')
    .argument('<operation>')
    .option('--digest <sha256>', 'the plan that you read (default: the one the ledger shows now)', planDigest)
    .addOption(byOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('capstan ops show migrate-shop-k3x7qa --plan', 'capstan ops approve migrate-shop-k3x7qa --by bob'),
    )
    .action(async (operation: string, options: DecisionOptions & { digest?: string }) => {
      const id = parseOperationId(operation)
      const by = options.by ?? cli.settings.requestedBy
      const { planDigest } = await cli.withDoors((doors) =>
        approve(doors, { operation: id, by, planDigest: options.digest ?? null }),
      )
      tell(
        cli,
        options,
        { operation: id, decision: 'approved', by, planDigest },
        `${id}: plan ${planDigest} approved by ${by}. Watch it: capstan ops watch ${id}`,
      )
    })
}

export function addOpsReject(ops: Command, cli: CliContext): void {
  ops
    .command('reject')
    .description('Reject the plan that an operation waits with.')
    .argument('<operation>')
    .requiredOption('--reason <text>', 'why, for the record', someText)
    .addOption(byOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan ops reject migrate-shop-k3x7qa --reason "not on a Friday"'))
    .action(async (operation: string, options: DecisionOptions & { reason: string }) => {
      const id = parseOperationId(operation)
      const by = options.by ?? cli.settings.requestedBy
      await cli.withDoors((doors) => reject(doors, { operation: id, by, reason: options.reason }))
      tell(cli, options, { operation: id, decision: 'rejected', by }, `${id}: rejected by ${by}.`)
    })
}

const ABORTED = {
  accepted: 'the abort was accepted. Watch it: capstan ops watch ID',
  requested:
    'no worker answers; the abort is left for the next one, and may come too late: past a point of no return nothing is taken back. Watch it: capstan ops watch ID',
  closed: 'nobody was at work on it; its record is closed. See what it left: capstan ops show ID',
} as const

export function addOpsAbort(ops: Command, cli: CliContext): void {
  ops
    .command('abort')
    .description('Stop an operation and undo what it did, as far as its steps can be undone.')
    .argument('<operation>')
    .option('--reason <text>', 'why, for the record', '')
    .option('--close-record', 'only close the record of one whose workflow is gone; takes nothing back')
    .addOption(byOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan ops abort migrate-shop-k3x7qa --reason "wrong branch"'))
    .action(async (operation: string, options: DecisionOptions & { reason: string; closeRecord?: boolean }) => {
      const id = parseOperationId(operation)
      const by = options.by ?? cli.settings.requestedBy
      const { reason, closeRecord = false } = options
      const { how } = await cli.withDoors((doors) => abort(doors, { operation: id, by, reason, closeRecord }))
      tell(cli, options, { operation: id, decision: 'aborted', by, how }, `${id}: ${ABORTED[how]}`.replaceAll('ID', id))
    })
}

export function addOpsResolve(ops: Command, cli: CliContext): void {
  ops
    .command('resolve')
    .description(
      'Decide about what could not finish, an undo or a step past the point of no return: try it again, leave it, or say that you did it by hand.',
    )
    .argument('<operation>')
    .addArgument(new Argument('<decision>', 'what to do').choices(['retry', 'skip', 'done']))
    .option('--step <id>', 'the step that waits (default: the only one)')
    .addOption(byOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('capstan ops resolve migrate-shop-k3x7qa retry', 'capstan ops resolve migrate-shop-k3x7qa done --step canary'),
    )
    .action(async (operation: string, decision: 'retry' | 'skip' | 'done', options: DecisionOptions & { step?: string }) => {
      const id = parseOperationId(operation)
      const by = options.by ?? cli.settings.requestedBy
      const { step } = await cli.withDoors((doors) => resolve(doors, { operation: id, by, step: options.step ?? null, decision }))
      const line = `${id}: ${step} → ${decision}, by ${by}. Watch it: capstan ops watch ${id}`
      tell(cli, options, { operation: id, decision, step, by }, line)
    })
}

function tell(cli: CliContext, options: DecisionOptions, document: object, line: string): void {
  if (options.json) cli.json({ version: 1, ...document })
  else cli.lines([line])
}
