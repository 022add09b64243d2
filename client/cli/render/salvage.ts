/** What a salvage has found, for people. */
import type { SalvagedTable, SalvageReport } from '../../../contracts/salvage'
import { grouped } from '../../quantities'
import type { Paint } from '../io'
import { oneLine } from './quoted'

/** Keys that are told of many. */
const KEYS_MAX = 5

export function salvageLines(report: SalvageReport, { paint }: { readonly paint: Paint }): string[] {
  const { old, writer, failover, kept, merge, looked } = report
  return [
    `${paint('bold', `salvage of ${oneLine(old)}`)}  given up for ${oneLine(writer)} by ${failover}`,
    kept?.beat == null
      ? `  nobody knows until when ${oneLine(writer)} had all`
      : `  ${oneLine(writer)} had all that was committed before ${kept.beat.at}`,
    merge.length === 0
      ? '  no row goes over'
      : `  missing rows go over to ${merge.map(oneLine).join(', ')}; no row that is there is touched`,
    ...(looked === null ? ['  it was not looked yet: the old writer is started for the control plane alone first'] : []),
    ...(looked?.tables ?? []).flatMap((table) => tableLines(table, paint)),
    ...(looked?.apart ?? []).map((one) => `  ${paint('yellow', '▲')} ${oneLine(one)}`),
  ]
}

function tableLines({ table, key, there, differs, gone, keys, note }: SalvagedTable, paint: Paint): string[] {
  const counts = `${grouped(there)} there alone, ${grouped(differs)} differ, ${grouped(gone)} in the new writer alone`
  const told = (['there', 'differs', 'gone'] as const).flatMap((of) => {
    const some = keys[of].slice(0, KEYS_MAX).map((values) => values.join(', '))
    if (some.length === 0) return []
    const more = keys[of].length > KEYS_MAX ? ' | …' : ''
    return [`      ${LABELS[of]}: ${oneLine(`${(key ?? []).join(', ')} = ${some.join(' | ')}${more}`)}`]
  })
  return [
    `  ${there + differs > 0 ? paint('bold', oneLine(table)) : oneLine(table)}: ${counts}`,
    ...told,
    ...(note === null ? [] : [`      ${oneLine(note)}`]),
  ]
}

const LABELS = { there: 'there alone', differs: 'differ', gone: 'in the new writer alone' } as const
