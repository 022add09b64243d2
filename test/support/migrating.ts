/** What end-to-end tests of migrate have in common: one stack and one target for a file, a fresh database for a test. */

import { WorkflowNotFoundError } from '@temporalio/client'
import type { OperationDocument } from '../../contracts/operation'
import type { Row } from '../../postgres/connect/session'
import { type CapstanOptions, type CapstanStack, type CommandResult, startCapstan } from './capstan-stack'
import { until } from './eventually'
import { createTarget, type Target } from './target'

export interface Migrating {
  readonly capstan: CapstanStack
  readonly target: Target
  /** Runs `capstan migrate stock` to its end. */
  migrate(fleet: string, ...more: string[]): Promise<{ code: number; operation: OperationDocument }>
  /** Starts it and returns at once; `ended` is the command's result. */
  begin(fleet: string, operation: string): { ended: Promise<CommandResult> }
  rows<T extends Row>(sql: string): Promise<T[]>
  /** Polls until `reached` says so. */
  until(what: string, reached: () => Promise<boolean>): Promise<void>
  operation(id: string): Promise<OperationDocument>
  /** Whether anybody holds the target's lock. */
  locked(): Promise<boolean>
}

/** A running stack with its target. */
export interface Place {
  readonly capstan: CapstanStack
  readonly target: Target
}

/** Registers the file's set-up and tear-down. Nothing starts before a test needs it: of a suite that is left out nothing would end it. */
export function migrating(
  options: () => CapstanOptions = () => ({}),
  create: (capstan: CapstanStack) => Promise<Target> = createTarget,
): Migrating {
  let starting: Promise<CapstanStack> | undefined
  let place: Place
  beforeAll(async () => {
    starting = startCapstan(options())
    const capstan = await starting
    place = { capstan, target: await create(capstan) }
  })
  // Also when the set-up ran out of time: what is still starting has to end too.
  afterAll(async () => (await starting)?.close())
  beforeEach(() => place.target.reset())
  return migratingAt(() => place)
}

/** For whoever starts and closes the stack by itself. */
export function migratingAt(place: () => Place): Migrating {
  const tools: Migrating = {
    get capstan() {
      return place().capstan
    },
    get target() {
      return place().target
    },
    async migrate(fleet, ...more) {
      const { code, stdout, stderr } = await tools.capstan.capstan(['migrate', 'stock', '--fleet', fleet, '--json', ...more])
      if (stdout === '') throw new Error(`capstan migrate said nothing (exit ${code}): ${stderr}`)
      return { code, operation: JSON.parse(stdout) as OperationDocument }
    },
    begin: (fleet, operation) => ({
      ended: tools.capstan.capstan(['migrate', 'stock', '--fleet', fleet, '--json', '--operation', operation]),
    }),
    async rows<T extends Row>(sql: string) {
      const admin = await tools.target.admin()
      try {
        return await admin.query<T>(sql)
      } finally {
        await admin.close()
      }
    },
    until,
    async operation(id) {
      const operation = await tools.capstan.ledger.getOperation(id)
      if (operation === null) throw new Error(`the ledger has no operation ${id}`)
      return operation
    },
    async locked() {
      try {
        return (await tools.capstan.temporal.workflow.getHandle(tools.target.lockScope).describe()).status.name === 'RUNNING'
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false
        throw error
      }
    },
  }
  return tools
}

/** Whether the step has reached the state. */
export function isAt(operation: OperationDocument | null, step: string, state: string): boolean {
  return operation?.steps.some((record) => record.id === step && record.state === state) ?? false
}
