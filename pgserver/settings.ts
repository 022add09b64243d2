/** PostgreSQL's own configuration file, written as a whole: what is not in the given settings has the server's default.
 *  Values are data here, never syntax: whatever a value holds, it stays inside its quotes. */
import { join } from 'node:path'
import { replaceFile } from './server-files'
import type { ServerUser } from './server-user'

export type Settings = Readonly<Record<string, string>>

/** Small enough that a dozen servers fit beside each other on a laptop. Durability settings keep PostgreSQL's defaults. */
export const SMALL_SERVER: Settings = {
  shared_buffers: '16MB',
  max_connections: '60',
  max_wal_size: '256MB',
  min_wal_size: '80MB',
  huge_pages: 'off',
  // in the data folder, with which it goes: in /dev/shm a server that was killed outright would leave a megabyte for as long as the machine runs
  dynamic_shared_memory_type: 'mmap',
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
}

/** One line per setting, in the given order. @throws RangeError for a name that is no parameter name, or a line break in a value. */
export function formatSettings(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${settingName(name)} = '${quoted(name, value)}'\n`)
    .join('')
}

/** Replaces `<dataDir>/postgresql.conf` atomically. A running server sees it at its next reload. */
export function writeSettings(dataDir: string, settings: Settings, user: ServerUser): void {
  replaceFile(join(dataDir, 'postgresql.conf'), formatSettings(settings), user)
}

function settingName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$/.test(name)) {
    throw new RangeError(`"${name}" is not the name of a PostgreSQL parameter.`)
  }
  return name
}

function quoted(name: string, value: string): string {
  if (/[\0\r\n]/.test(value)) throw new RangeError(`The value of ${name} contains a line break.`)
  return value.replaceAll('\\', '\\\\').replaceAll("'", "''")
}
