/** Which processes are ours, on disk: after a crash of the supervisor the next start, or `down`, ends what was left behind. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isAlive, type ProcessIdentity } from '../../pgserver/process-identity'

export interface RecordedProcess extends ProcessIdentity {
  readonly name: string
}

export class ProcessRecords {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  add(name: string, who: ProcessIdentity): void {
    this.#write([...readRecords(this.#file).filter(isAlive), { name, ...who }])
  }

  remove(who: ProcessIdentity): void {
    this.#write(readRecords(this.#file).filter(({ pid, started }) => pid !== who.pid || started !== who.started))
  }

  alive(): readonly RecordedProcess[] {
    return readRecords(this.#file).filter(isAlive)
  }

  /** Nothing between reading and writing is asynchronous, and one supervisor at a time owns the folder. */
  #write(records: readonly RecordedProcess[]): void {
    try {
      writeFileSync(`${this.#file}.next`, `${JSON.stringify(records)}\n`, { mode: 0o600 })
      renameSync(`${this.#file}.next`, this.#file)
    } catch (error) {
      // A process may end after its state was wiped.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

export function readRecords(file: string): readonly RecordedProcess[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as RecordedProcess[]
  } catch {
    return []
  }
}
