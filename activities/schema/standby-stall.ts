/** Whether the log that a source writes while its standbys are at a line has room in what their slots may hold back. Pure. An estimate: what a file took on the
 *  canary, times what the source wrote meanwhile. */
import type { PlannedScript } from '../../contracts/migrate'
import type { Finding } from '../../contracts/operation'
import type { StandbyRecord } from '../../contracts/standby'
import { bytes } from '../../postgres/health/words'
import type { StatementRecord } from '../../postgres/observe/statement-observer'

export interface Stall {
  readonly pending: readonly PlannedScript[]
  readonly records: readonly Pick<StatementRecord, 'script' | 'durationMs'>[]
  /** Of the source's log. */
  readonly bytesPerSecond: number
  /** Those that will get the files. */
  readonly standbys: readonly Pick<StandbyRecord, 'target' | 'declared' | 'look'>[]
}

export function standbyStall({ pending, records, bytesPerSecond, standbys }: Stall): Finding[] {
  const atALine = new Set(
    pending.flatMap(({ script, onStandbys }) => (onStandbys === 'schema' || onStandbys === 'mixed' ? [script] : [])),
  )
  const seconds = records.reduce((sum, { script, durationMs }) => sum + (atALine.has(script) ? durationMs : 0), 0) / 1_000
  const written = Math.round(seconds * bytesPerSecond)
  return standbys.flatMap(({ target, declared, look }): Finding[] => {
    const room = Math.max(0, declared.retainedBytesMax - (look?.source?.slot?.retainedBytes ?? 0))
    if (written <= room) return []
    const message = `While ${target} gets what took ${Math.round(seconds)} s on the canary, about ${bytes(written)} of log are written on the source, and its slot may hold back ${bytes(room)} more before it is dropped: raise maxRetained, migrate at a quieter hour, or pause the standby and seed it anew afterwards.`
    return [{ rule: 'standby-stall', message, measured: written, allowed: room }]
  })
}
