/** The rows themselves that an old writer has alone, or otherwise, in a file that its owner alone may read. Both databases are asked from here, since values belong
 *  into no history, no ledger and no log. */
import { type FileHandle, open } from 'node:fs/promises'
import { Failure, failure } from '../contracts/failures'
import type { DatabaseEntry, SecretRef } from '../contracts/fleet'
import type { InstanceAddress } from '../contracts/migrate'
import type { SalvageReport } from '../contracts/salvage'
import { connect, type Session } from '../postgres/connect/session'
import { readSalvage, type SalvagedRow, type SalvageRead } from '../postgres/salvage/values'

export interface SalvageValues {
  readonly looked: NonNullable<SalvageReport['looked']>
  readonly old: DatabaseEntry
  readonly writer: DatabaseEntry
  readonly file: string
  readonly resolveSecret: (ref: SecretRef) => Promise<string>
  readonly sourceAddress: string | null
  readonly signal: AbortSignal
}

/** One row a line, as JSON. Fails with OPTION_INVALID where the file is there already, cannot be made, or has no room, as `connect` does, and with
 *  SECRET_UNRESOLVED. What was written before a failure stays. */
export async function writeSalvageValues({
  looked: { at },
  old,
  writer,
  file,
  signal,
  ...how
}: SalvageValues): Promise<SalvageRead> {
  const opening = async (entry: DatabaseEntry, address: InstanceAddress): Promise<() => Promise<Session>> => {
    const { user, secret, tls } = entry.connections.migrator
    const password = await how.resolveSecret(secret)
    const { host, port } = address
    const login = { host, port, user, password, tls, database: entry.database, applicationName: 'capstan salvage' }
    return () => connect({ ...login, ...(how.sourceAddress === null ? {} : { sourceAddress: how.sourceAddress }) })
  }
  const sides = { old: await opening(old, at.old), writer: await opening(writer, at.writer) }
  const out = await made(file)
  try {
    const read = await readSalvage({ ...sides, signal }, (row) => written(file, () => out.appendFile(lineOf(row))))
    // what is told to be there is there
    await written(file, () => out.sync())
    return read
  } finally {
    await out.close()
  }
}

/** Each number as PostgreSQL has it. */
export function lineOf({ old, writer, ...row }: SalvagedRow): string {
  const named = JSON.stringify(row).slice(0, -1)
  return `${named},"old":${old ?? 'null'},"writer":${writer ?? 'null'}}\n`
}

async function written(file: string, write: () => Promise<void>): Promise<void> {
  try {
    await write()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = `${file} cannot be written (${code ?? message}): what is in it is not whole.`
    throw failure('OPTION_INVALID', `${why} Name a file elsewhere with --file.`, { option: 'file', file })
  }
}

/** Nothing that is there is written over, nor keeps rights of its own. */
async function made(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', 0o600)
  } catch (error) {
    if (error instanceof Failure) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'is there already' : `cannot be made (${code ?? message})`
    throw failure('OPTION_INVALID', `${file} ${why}; name another file with --file.`, { option: 'file', file })
  }
}
