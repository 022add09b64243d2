/** Rows that are to come back, for people: what is known before there is a copy, and the survey that an approval approves. */
import type { DatabaseEntry } from '../../../contracts/fleet'
import { approvalOf } from '../../../contracts/recover-rows'
import type { RestorePlan } from '../../../contracts/restore'
import { shownSize } from '../../../contracts/snapshot'
import type { ExaminedTable, RowRecoveryPlan } from '../../../postgres/row-recovery/recovered'
import type { Paint } from '../io'
import type { PlanView } from './plan'
import { oneLine } from './quoted'
import { tablePlanLines } from './recovery'
import { pointLines } from './restore'

/** As the ledger holds it. */
export interface TablesDocument {
  readonly version: 1
  readonly tables: readonly ExaminedTable[]
}

export function rowsPlanLines(
  plan: RestorePlan,
  { tables }: TablesDocument,
  { entry, paint }: { readonly entry: DatabaseEntry; readonly paint: Paint },
): string[] {
  const asks = approvalOf(entry) === 'required'
  return [
    `${paint('bold', `plan for ${entry.name}`)}  ${oneLine(plan.instance)} (PostgreSQL ${oneLine(plan.engineVersion)}), ${shownSize(plan.storage.sizeGib)}`,
    ...pointLines(plan.point),
    `  makes ${oneLine(plan.copy)}${plan.instanceClass === null ? '' : `, of class ${oneLine(plan.instanceClass)}`}, looks there for rows that the database lacks, and removes it at the end`,
    ...tables.map(tableLine),
    asks
      ? '  which rows are missing is known once the copy is there; then it waits for an approval of just these'
      : '  which rows are missing is known once the copy is there; then just these come back (its policy asks for no approval)',
    '  no row that is there is touched',
  ]
}

function tableLine({ table, key, parents, triggers }: ExaminedTable): string {
  const refers = parents.length === 0 ? '' : `, refers to ${parents.join(', ')}`
  const fires = triggers.length === 0 ? '' : `, fires ${triggers.join(', ')}`
  return `  brings back to ${oneLine(`${table}, by ${key.join(', ')}${refers}${fires}`)}`
}

export function surveyLines(plan: RowRecoveryPlan, entry: DatabaseEntry, { paint, columns }: PlanView): string[] {
  const { request, underWay, repeats } = plan
  return [
    `${paint('bold', `rows for ${entry.name}`)}  ${entry.instance}`,
    ...tablePlanLines(plan, { paint, columns }),
    ...(request.where === null ? [] : [`  only where ${oneLine(request.where)}`]),
    ...(underWay
      ? [
          `  ${paint('yellow', '▲')} An earlier run staged these rows and was cut off: it goes on with them, whatever this copy holds.`,
        ]
      : []),
    ...(repeats
      ? [
          `  ${paint('yellow', '▲')} The same was carried out before: what is missing now may have been deleted since, and with reason.`,
        ]
      : []),
    '  no row that is there is touched',
    ...(plan.kept === undefined ? [] : ['  what is deleted after this survey is no part of it']),
    '',
    `  plan digest ${plan.digest}`,
  ]
}
