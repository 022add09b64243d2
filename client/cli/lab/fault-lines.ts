/** Ordered faults as people read them. */
import type { Paint } from '../io'
import { table } from '../render/table'

export interface LabFault {
  readonly id: string
  readonly kind: string
  readonly operation: string | null
  readonly instance: string | null
  readonly resource: string | null
  readonly region: string | null
  readonly times: number | null
  readonly probability: number
  readonly struck: number
  readonly expiresAt: string
  readonly settings: Readonly<Record<string, string | number>>
  readonly effects: readonly { readonly target: string; readonly until: string | null; readonly begun: boolean }[]
}

export function faultLines(faults: readonly LabFault[], paint: Paint): string[] {
  if (faults.length === 0) return ['No faults are ordered.']
  const rows = faults.map((fault) => [fault.id, fault.kind, scopeOf(fault), oddsOf(fault), String(fault.struck), endOf(fault)])
  return table(['FAULT', 'KIND', 'WHERE', 'MORE', 'STRUCK', 'UNTIL'], rows, paint)
}

function scopeOf({ operation, instance, resource, region, settings: { from, to, ways } }: LabFault): string {
  if (from !== undefined) return `${from} ${ways === 'one' ? 'to' : 'and'} ${to}`
  const named = [operation, instance, resource, region].filter((name) => name !== null)
  return named.length === 0 ? 'every call' : named.join(' ')
}

function oddsOf({ times, probability }: LabFault): string {
  const count = times === null ? 'all' : String(times)
  return probability < 1 ? `${count} at ${probability}` : count
}

/** While it does something to an instance, that is what ends. */
function endOf({ effects, expiresAt }: LabFault): string {
  return effects.find(({ until }) => until !== null)?.until ?? expiresAt
}
