/** The rows of both sides, compared while others write: by ranges of the key, looked at again once the standby has confirmed what the source had. */
import type { Finding } from '../../contracts/operation'
import { REPLICATE_DOCUMENTS } from '../../contracts/replicate'
import type { ProvenSoFar } from '../../postgres/verify/carry-on'
import { compareDatabases } from '../../postgres/verify/compare'
import type { Comparison, TableResult } from '../../postgres/verify/compared'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { Replicating, ReplicationActivities } from './contract'
import { madeBy } from './made'
import { notes } from './notes'
import { bothOf, opener } from './sides'
import { toldOf, toldOfAll } from './told'

/** Connections that read at a time, on each side. */
const JOBS = 2

type Compared = Awaited<ReturnType<ReplicationActivities['compareBoth']>>

export async function compareBoth(deps: ActivityDeps, input: Replicating): Promise<Compared> {
  const { operation, sides } = input
  const { id, entries, table } = await bothOf(deps, input.bundle)
  const { names, tables } = await madeBy(deps, operation)
  const { signal, kept, keep } = currentAct()
  const progress = notes(deps, input)
  const since = new Date().toISOString()
  const compared = table === null ? tables : [table]
  const comparison = await compareDatabases({
    source: opener(deps, { ref: input, entry: entries.source, address: sides.source }, 'migrator'),
    target: opener(deps, { ref: input, entry: entries.standby, address: sides.standby }, 'migrator'),
    mode: 'live',
    jobs: JOBS,
    // whether the others are equal is no matter of this one
    selection: { tables: compared, exclude: [] },
    slots: [names.slot],
    signal,
    carriedOn: kept as ProvenSoFar | undefined,
    onProven: keep,
    onProgress: ({ tables: all, tablesDone, table }) =>
      progress.tell(`${tablesDone} of ${all} tables${table === null ? '' : `, ${table}`}`),
  })
  await progress.settle()
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: REPLICATE_DOCUMENTS.comparison, document: { version: 1, ...comparison } })
  const told = toldOfAll({ since, tables: compared, told: toldOf(comparison), left: [] })
  assertMayAct()
  await deps.ledger.noteComparison({ ...id, note: { kind: 'seeded', told, table } })
  const { verdict } = comparison
  return { verdict, summary: summaryOf(comparison), findings: findingsOf(comparison) }
}

function summaryOf({ tables, verdict }: Comparison): string {
  const equal = tables.filter((table) => table.verdict === 'equal').length
  return `${verdict}: ${equal} of ${tables.length} table${tables.length === 1 ? '' : 's'} proven equal`
}

function findingsOf({ tables, structure }: Comparison): Finding[] {
  return [
    ...structure.map(({ kind, side, table, column }): Finding => {
      const what = kind === 'table-missing' ? table : `column ${column} of ${table}`
      return { rule: `comparison:${kind}`, message: `The ${side === 'target' ? 'standby' : 'source'} has no ${what}.` }
    }),
    ...tables.filter(({ verdict }) => verdict !== 'equal').map(findingOf),
  ]
}

function findingOf({ table, verdict, differences, note }: TableResult): Finding {
  const because = note === null ? '' : ` ${note}`
  if (verdict === 'inconclusive') return { rule: 'comparison:inconclusive', message: `${table} could not be compared.${because}` }
  const { onlyInSource, onlyInTarget, changed, exact } = differences
  const rows = `${onlyInSource} rows are in the source alone, ${onlyInTarget} in the standby alone, ${changed} differ`
  return { rule: 'comparison:different', message: `${table}: ${exact ? '' : 'at least '}${rows}.${because}` }
}
