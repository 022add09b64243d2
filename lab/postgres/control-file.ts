/** What a data folder's `pg_control` says of a server that does not run. PostgreSQL's own program for that is not among the
 *  binaries. What is read here lies at the same places in the two versions of the file that 15 and 17 have: the later one has a
 *  field more where the earlier one has padding. Source: `src/include/catalog/pg_control.h`. */
import { join } from 'node:path'
import { readServerFile } from '../../pgserver/server-files'
import { serverUser } from '../../pgserver/server-user'
import type { Settings } from '../../pgserver/settings'

export interface ControlFile {
  /** It was stopped cleanly as a server of its own. */
  shutDown: boolean
  /** Where its last checkpoint lies; after a clean stop, the end of its log. */
  checkpoint: bigint
  /** What the server whose log it replays has of the parameters of which a replica must not have less. */
  minimums: Readonly<Record<string, number>>
}

const VERSIONS = [1300, 1700]
const SHUT_DOWN = 1
const OFFSETS = { version: 8, state: 16, checkpoint: 32 }
const MINIMUMS = {
  max_connections: 180,
  max_worker_processes: 184,
  max_wal_senders: 188,
  max_prepared_transactions: 192,
  max_locks_per_transaction: 196,
}

export function readControlFile(dataDir: string): ControlFile {
  const bytes = readServerFile(join(dataDir, 'global', 'pg_control'), serverUser())
  const version = bytes.readUInt32LE(OFFSETS.version)
  if (!VERSIONS.includes(version)) throw new Error(`The control file of ${dataDir} has the unknown version ${version}.`)
  return {
    shutDown: bytes.readUInt32LE(OFFSETS.state) === SHUT_DOWN,
    checkpoint: bytes.readBigUInt64LE(OFFSETS.checkpoint),
    minimums: Object.fromEntries(Object.entries(MINIMUMS).map(([name, offset]) => [name, bytes.readInt32LE(offset)])),
  }
}

/** The settings, raised to what a replica needs to start and to be readable. */
export function raisedTo(minimums: ControlFile['minimums'], settings: Settings): Settings {
  const raised = Object.entries(minimums).filter(([name, value]) => value > Number(settings[name] ?? 0))
  return { ...settings, ...Object.fromEntries(raised.map(([name, value]) => [name, String(value)])) }
}
