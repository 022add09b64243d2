/** Rows out of a copy into the live database, part by part: each can be repeated, and writes behind the fence of its own attempt. */
import { Failure, failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import { RECOVER_ROWS_DOCUMENTS as DOCUMENTS, type LeftSummary, type RecoveredSummary } from '../../contracts/recover-rows'
import type { StepRef } from '../../contracts/step-ref'
import type { Ledger } from '../../ledger/ledger'
import { type FenceToken, standingEpoch } from '../../postgres/migrate/fence'
import { finishRowRecovery, stageRowRecovery, writeStagedRows } from '../../postgres/row-recovery/apply'
import { examineTables } from '../../postgres/row-recovery/examine'
import type { RowsNow } from '../../postgres/row-recovery/look-again'
import type { RunOptions } from '../../postgres/row-recovery/open-run'
import { planRowRecovery } from '../../postgres/row-recovery/plan'
import type { RowRecoveryPlan } from '../../postgres/row-recovery/recovered'
import { NOTHING_LEFT, readRecordedPlan, settleRowRecovery } from '../../postgres/row-recovery/settle'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { epochAbove } from '../schema/epoch'
import type { RowsActivities } from './contract'
import { copyDoor, liveDoor, progressNotes, raisedToken } from './doors'
import { leftSummary, recoveredSummary, withoutValues } from './told'

export function createRowsActivities(deps: ActivityDeps): RowsActivities {
  return {
    async examineTables({ source, wanted, ...ref }) {
      const { database: entry } = await deps.ledger.getBundle(ref.bundle)
      const { tables, schemas, ...allowed } = wanted
      const found = await examineTables({
        ...allowed,
        live: liveDoor(deps, { entry, ref, address: source }),
        selection: { tables, schemas, exclude: [] },
        signal: currentAct().signal,
      })
      if (wanted.where !== null && found.length > 1) throw failure('OPTION_INVALID', WHERE_OF_MANY, { option: 'where' })
      await put(deps, ref.operation, DOCUMENTS.tables, { version: 1, wanted, tables: found })
      const names = found.map(({ table }) => table)
      return { summary: names.join(', '), tables: names }
    },
    surveyRows: (input) => surveyRows(deps, input),
    async stageRows({ copy, ...input }) {
      const { entry, old, options } = await writing(deps, input)
      const progress = progressNotes(deps, input)
      const from = copyDoor(deps, { entry, ref: input, address: copy }, old)
      await stageRowRecovery({ ...options, copy: from, onProgress: progress.hear })
      await progress.settle()
    },
    async writeRows(input) {
      const { options } = await writing(deps, input)
      const progress = progressNotes(deps, input)
      await writeStagedRows({ ...options, onProgress: progress.hear })
      await progress.settle()
    },
    verifyRows: (input) => verifyRows(deps, input),
    settleRows: (input) => settleRows(deps, input),
  }
}

const WHERE_OF_MANY =
  '--where is given with several tables: it says something of the rows of one, so name one table at a time, parents first.'

async function surveyRows(
  deps: ActivityDeps,
  { source, copy, wanted, lock, ...ref }: Parameters<RowsActivities['surveyRows']>[0],
) {
  const { ledger } = deps
  const { database: entry, salvage } = await ledger.getBundle(ref.bundle)
  const live = liveDoor(deps, { entry, ref, address: source })
  const { tables, schemas, where, fireTriggers } = wanted
  const progress = progressNotes(deps, ref)
  const plan = await planRowRecovery({
    live,
    copy: copyDoor(deps, { entry, ref, address: copy }, salvage?.old),
    selection: { tables, schemas, exclude: [] },
    ...{ where, fireTriggers, keep: true, onProgress: progress.hear, signal: currentAct().signal },
  })
  await progress.settle()
  const session = await live()
  const standing = await standingEpoch(session).finally(() => session.close())
  await put(deps, ref.operation, DOCUMENTS.survey, plan)
  const sum = (of: 'rows' | 'changed') => plan.tables.reduce((all, table) => all + table[of], 0)
  const { digest, underWay, repeats } = plan
  const epoch = await epochAbove(deps, ref.operation, lock, standing)
  return { digest, epoch, tableCount: plan.tables.length, rows: sum('rows'), changed: sum('changed'), underWay, repeats }
}

type Writing = Parameters<RowsActivities['writeRows']>[0]

/** A migration by hand is waited for: giving up would cost the copy, or leave half of the rows. */
const LOCK_WAIT_MS = 60_000

/** What every part that writes begins with. */
async function writing(deps: ActivityDeps, input: Writing) {
  const { source: address, epoch, planDigest, published } = input
  const { database: entry, salvage } = await deps.ledger.getBundle(input.bundle)
  const plan = await readSurvey(deps.ledger, input.operation, planDigest)
  const place = { entry, ref: input, address }
  const fence = await raisedToken(deps, place, epoch)
  const options: RunOptions = { ...behind(deps, place, fence), plan, published }
  return { entry, old: salvage?.old, options }
}

/** What every run behind a fence is opened with. */
const behind = (deps: ActivityDeps, place: Parameters<typeof liveDoor>[1], fence: FenceToken) => ({
  fence,
  live: liveDoor(deps, place, fence),
  signal: currentAct().signal,
  lockWaitMs: LOCK_WAIT_MS,
})

async function readSurvey(ledger: Ledger, operation: OperationId, digest: string): Promise<RowRecoveryPlan> {
  const plan = (await ledger.getDocument({ operation, name: DOCUMENTS.survey })) as RowRecoveryPlan | null
  if (plan?.digest === digest) return plan
  const message = `The ledger's survey is ${plan?.digest ?? 'missing'}, not ${digest}: start the operation again.`
  throw failure('PLAN_DRIFTED', message, { planDigest: digest })
}

async function verifyRows(deps: ActivityDeps, input: Parameters<RowsActivities['verifyRows']>[0]): Promise<RecoveredSummary> {
  const { ledger } = deps
  const { operation } = input
  const { options } = await writing(deps, input)
  const now = { operation, name: DOCUMENTS.now }
  const result = await finishRowRecovery({
    ...options,
    // once: a repeat after what was staged is gone has nothing to look at
    remember: async (tables) => void (await ledger.putDocumentOnce({ ...now, document: { version: 1, tables } })),
  })
  const told = withoutValues(result)
  await put(deps, operation, DOCUMENTS.result, told)
  const looked = (await ledger.getDocument(now)) as { readonly tables: readonly RowsNow[] } | null
  return recoveredSummary(told, looked?.tables ?? [])
}

/** The plan is the live database's own record of it: the ledger may have a later survey by now. */
async function settleRows(
  deps: ActivityDeps,
  { adopted, ...input }: Parameters<RowsActivities['settleRows']>[0],
): Promise<LeftSummary> {
  const { operation, source: address, epoch, planDigest, published } = input
  const { database: entry } = await deps.ledger.getBundle(input.bundle)
  const place = { entry, ref: input, address }
  // First, also where nothing was staged yet: an older attempt may still be about to. Whoever may not make our tables never staged anything either.
  const fence = await raisedToken(deps, place, epoch).catch((error: unknown) => {
    if (error instanceof Failure && error.code === 'CREDENTIALS_REJECTED') return error
    throw error
  })
  const plan = await readRecordedPlan({ live: liveDoor(deps, place) }, planDigest)
  if (plan !== null && fence instanceof Failure) throw fence
  const left =
    plan === null || fence instanceof Failure
      ? NOTHING_LEFT
      : await settleRowRecovery({ ...behind(deps, place, fence), plan, published, adopted })
  await put(deps, operation, DOCUMENTS.left, { version: 1, ...left })
  return leftSummary(left)
}

async function put({ ledger }: ActivityDeps, operation: StepRef['operation'], name: string, document: object): Promise<void> {
  assertMayAct()
  await ledger.putDocument({ operation, name, document })
}
