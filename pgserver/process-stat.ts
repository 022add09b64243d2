/** What Linux says of a process: the fields of /proc/<pid>/stat from the third, its state, on. Source: proc(5). */
import { readFileSync } from 'node:fs'

export interface ProcessStat {
  /** One letter; Z is a zombie, T one that a signal stopped. */
  readonly state: string
  readonly parent: number
  /** In clock ticks since the machine started. */
  readonly started: string
}

/** Null when there is no such process. */
export function readProcessStat(pid: number): ProcessStat | null {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return null
  }
  // the name before the fields may hold spaces and brackets
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] ?? '', parent: Number(fields[1]), started: fields[19] ?? '' }
}
