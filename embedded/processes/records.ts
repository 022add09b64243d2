/** Which processes are ours, on disk: after a crash of the supervisor the next start, or `down`, ends what was left behind. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isAlive, type ProcessIdentity } from '../state/process-identity'

export interface RecordedProcess extends ProcessIdentity {
  readonly name: string
}

export class ProcessRecords {
  readonly #file: string
  #records: readonly RecordedProcess[]

  constructor(file: string) {
    this.#file = file
    this.#records = readRecords(file)
  }

  add(name: string, who: ProcessIdentity): void {
    this.#write([...this.#records, { name, ...who }])
  }

  remove(who: ProcessIdentity): void {
    this.#write(this.#records.filter(({ pid, started }) => pid !== who.pid || started !== who.started))
  }

  alive(): readonly RecordedProcess[] {
    return this.#records.filter(isAlive)
  }

  #write(records: readonly RecordedProcess[]): void {
    this.#records = records
    writeFileSync(`${this.#file}.next`, `${JSON.stringify(records)}\n`, { mode: 0o600 })
    renameSync(`${this.#file}.next`, this.#file)
  }
}

export function readRecords(file: string): readonly RecordedProcess[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as RecordedProcess[]
  } catch {
    return []
  }
}
