/** What every command that starts an operation does: asks a person first, starts it whatever Ctrl-C says, follows it to its end. */
import type { Command } from 'commander'
import type { OperationDocument, OperationId } from '../../contracts/operation'
import type { Ledger } from '../../ledger/ledger'
import { temporalOf } from '../config'
import type { Doors } from '../decide'
import { EXIT } from '../exit-codes'
import { findOperation } from '../find-operation'
import { parseOperationId } from '../operation-id'
import type { OperationRequest, StartedOperation } from '../start-operation'
import type { CliContext } from './context'
import { type FollowOptions, followOperation, showOutcome } from './follow'
import { eventsOption, jsonOption, waitTimeoutOption } from './options'
import { oneLine } from './render/quoted'

export interface LaunchOptions {
  readonly plan?: boolean
  readonly wait: boolean
  readonly waitTimeout: number
  readonly yes?: boolean
  readonly operation?: string
  readonly json?: boolean
  readonly events?: boolean
}

export function addLaunchOptions(command: Command): Command {
  return command
    .option('--plan', 'show what would happen and change nothing')
    .option('--no-wait', 'start it and return at once')
    .addOption(waitTimeoutOption())
    .option('--yes', 'do not ask before starting')
    .option(
      '--operation <id>',
      'an id of your own; repeating it joins the operation instead of starting another',
      (text: string): OperationId => parseOperationId(text),
    )
    .addOption(eventsOption())
    .addOption(jsonOption())
}

export interface Launch<Plan> {
  /** Asked on a terminal, unless --yes, --plan or a machine's output was asked for. */
  readonly question: string
  readonly start: (doors: Doors, request: Omit<OperationRequest, 'bundle'>) => Promise<StartedOperation>
  readonly planOf: (ledger: Ledger, operation: OperationId) => Promise<Plan | null>
  readonly planLines: (plan: Plan) => readonly string[]
}

/** To be called once the command's input is known to be right. */
export async function launch<Plan>(cli: CliContext, options: LaunchOptions, what: Launch<Plan>): Promise<void> {
  temporalOf(cli.settings)
  if (!(await confirmed(cli, what.question, options))) {
    cli.lines(['Nothing was started.'])
    cli.exit = EXIT.stopped
    return
  }
  await cli.withDoors(async (doors) => {
    const { started, interrupted } = await startUninterrupted(cli, doors, what, options)
    if (options.wait && !interrupted) await follow(cli, doors, started, what, options)
    else await tellStarted(cli, doors.ledger, started, options)
  })
}

/** True at once where nobody can be asked, or nobody is to be. */
export async function confirmed(
  cli: CliContext,
  question: string,
  options: Pick<LaunchOptions, 'plan' | 'yes' | 'json' | 'events'>,
): Promise<boolean> {
  if (options.plan || options.yes || options.json || options.events || !cli.io.interactive) return true
  const answer = await cli.io.ask(`${oneLine(question)} [y/N] `)
  return /^y(es)?$/i.test(answer.trim())
}

/** Ctrl-C between recording the operation and starting it would leave a record of nothing: it is heard afterwards. */
async function startUninterrupted<Plan>(
  cli: CliContext,
  doors: Doors,
  { start }: Launch<Plan>,
  options: LaunchOptions,
): Promise<{ started: StartedOperation; interrupted: boolean }> {
  const stopListening = cli.io.onInterrupt(() => {
    cli.exit = EXIT.detached
  })
  try {
    const started = await start(doors, {
      mode: options.plan ? 'plan' : 'apply',
      operation: options.operation ?? null,
      requestedBy: cli.settings.requestedBy,
      heartbeatTimeoutMs: cli.settings.heartbeatTimeoutMs,
      workflowTaskTimeoutMs: cli.settings.workflowTaskTimeoutMs,
    })
    return { started, interrupted: cli.exit === EXIT.detached }
  } finally {
    stopListening()
  }
}

async function follow<Plan>(
  cli: CliContext,
  doors: Doors,
  { operation, started }: StartedOperation,
  { planOf, planLines }: Launch<Plan>,
  options: LaunchOptions,
): Promise<void> {
  const output: FollowOptions['output'] = options.events ? 'events' : options.json ? 'json' : 'people'
  if (!started && output === 'people') cli.lines([`${operation} exists already; joining it.`])
  const { document } = await followOperation(cli, doors, { operation, approvalTimeoutMs: options.waitTimeout, output })
  const plan = options.plan ? await planOf(doors.ledger, operation) : null
  if (output === 'json') cli.json(options.plan ? { ...document, plan } : document)
  else if (output === 'people' && plan !== null) cli.lines(['', ...planLines(plan)])
}

async function tellStarted(
  cli: CliContext,
  ledger: Ledger,
  { operation }: StartedOperation,
  options: LaunchOptions,
): Promise<void> {
  const document: OperationDocument = await findOperation(ledger, operation)
  if (options.json || options.events) cli.json(document)
  else showOutcome(cli, document)
}
