/** The journal: one line for each act, on disk before the act and again after it. Each line has the digest of the one before, so that none can be altered or left out
 *  between two; with a key each is sealed as well, so that only who holds it can have written them. What a chain cannot show is that lines were cut off its end. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { BY_HAND, type JournalEntry, type ReconciledJournal, type SealedEntry } from '../../contracts/break-glass'
import { canonicalJson } from '../../contracts/canonical-json'
import { failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import { errorCode } from '../environment'

const NOTHING = '0'.repeat(64)

export type Told = Pick<JournalEntry, 'event' | 'deed' | 'by' | 'step' | 'said'>

export class Journal {
  readonly #file: FileHandle
  readonly #key: Buffer | null
  readonly #operation: OperationId
  #last: { readonly sequence: number; readonly digest: string }
  #bytes: number

  private constructor(
    file: FileHandle,
    operation: OperationId,
    key: Buffer | null,
    whole: string,
    entries: readonly SealedEntry[],
  ) {
    this.#file = file
    this.#operation = operation
    this.#key = key
    this.#bytes = Buffer.byteLength(whole)
    const last = entries.at(-1)
    this.#last = { sequence: last?.sequence ?? 0, digest: last?.digest ?? NOTHING }
  }

  /** One that is there is gone on with, and is whole: a line that was half written when whoever wrote it was killed is cut off. Fails with OPTION_INVALID where it is
   *  of another operation or was altered, or cannot be written. */
  static async open(path: string, operation: OperationId, key: Buffer | null): Promise<Journal> {
    const file = await open(path, 'a+', 0o600).catch((error: unknown) => {
      throw unwritable(path, error)
    })
    try {
      const text = await file.readFile('utf8')
      const whole = text.slice(0, text.lastIndexOf('\n') + 1)
      const entries = readEntries(path, whole, key)
      const other = entries.find((entry) => entry.operation !== operation)
      if (other !== undefined) throw altered(path, `it is of ${other.operation}: name another file`)
      if (whole.length < text.length) {
        await file.truncate(Buffer.byteLength(whole))
        await file.sync()
      }
      return new Journal(file, operation, key, whole, entries)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** On disk when it resolves. Fails with OPTION_INVALID where another one has written it since. */
  async write(told: Told): Promise<void> {
    if ((await this.#file.stat()).size !== this.#bytes)
      throw failure('OPTION_INVALID', 'Somebody else writes this journal: whoever began last goes on, and this run ends.')
    const { sequence, digest: previous } = this.#last
    const entry: JournalEntry = {
      ...{ version: 1, sequence: sequence + 1, at: new Date().toISOString(), operation: this.#operation, previous },
      ...told,
    }
    const digest = digestOf(entry)
    const line: SealedEntry = { ...entry, digest, seal: this.#key === null ? null : sealOf(digest, this.#key) }
    const text = `${JSON.stringify(line)}\n`
    await this.#file.appendFile(text)
    this.#bytes += Buffer.byteLength(text)
    await this.#file.sync()
    this.#last = { sequence: entry.sequence, digest }
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** Fails with OPTION_INVALID where it is not there, was altered, or is of nothing that came to an end. `key`: each line has to have its seal. */
export async function readJournal(path: string, key: Buffer | null): Promise<ReconciledJournal> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw failure(
      'OPTION_INVALID',
      `The journal ${path} cannot be read (${errorCode(error)}); name the file that "finish" or "revert" wrote.`,
      { file: path },
      { cause: error },
    )
  })
  const entries = readEntries(path, text.slice(0, text.lastIndexOf('\n') + 1), key)
  const last = entries.at(-1)
  if (last === undefined) throw altered(path, 'there is no line in it')
  if (last.event !== 'end') {
    const message = `The journal ${path} says of ${last.operation} that it was begun, and not that it came to an end (${last.said}): run "capstan break-glass ${last.deed}" again, then reconcile.`
    throw failure('OPERATION_NOT_WAITING', message, { operation: last.operation, file: path })
  }
  const { deed, at: endedAt, by } = last
  return { version: 1, deed, outcome: BY_HAND[deed], endedAt, by, sealed: key === null ? null : true, entries }
}

function readEntries(path: string, text: string, key: Buffer | null): SealedEntry[] {
  let previous = NOTHING
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, at) => {
      const entry = parsed(line)
      if (entry === null) throw altered(path, `line ${at + 1} is none of a journal`)
      const { digest, seal, ...told } = entry
      if (told.sequence !== at + 1 || told.previous !== previous || digestOf(told) !== digest)
        throw altered(path, `line ${at + 1} is not what was written there, or one before it is missing`)
      if (key !== null && !isSeal(seal, sealOf(digest, key)))
        throw altered(path, `line ${at + 1} is not sealed by the key that CAPSTAN_JOURNAL_KEY holds`)
      previous = digest
      return entry
    })
}

function parsed(line: string): SealedEntry | null {
  try {
    const entry = JSON.parse(line) as Partial<SealedEntry> | null
    return typeof entry?.digest === 'string' && typeof entry.operation === 'string' ? (entry as SealedEntry) : null
  } catch {
    return null
  }
}

const digestOf = (entry: JournalEntry): string => createHash('sha256').update(canonicalJson(entry), 'utf8').digest('hex')
const sealOf = (digest: string, key: Buffer): string => createHmac('sha256', key).update(digest, 'utf8').digest('hex')

function isSeal(found: string | null, wanted: string): boolean {
  const [one, other] = [Buffer.from(found ?? '', 'utf8'), Buffer.from(wanted, 'utf8')]
  return one.length === other.length && timingSafeEqual(one, other)
}

function altered(path: string, why: string): Error {
  return failure('OPTION_INVALID', `The journal ${path} cannot be gone on with: ${why}.`, { file: path })
}

function unwritable(path: string, error: unknown): Error {
  const message = `The journal ${path} cannot be written (${errorCode(error)}), and nothing is done without it: name another with --journal.`
  return failure('OPTION_INVALID', message, { option: 'journal', file: path }, { cause: error })
}
