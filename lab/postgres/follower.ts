/** A replica's files: what makes a server follow another one at its start. What a server is, its data says (`standby.signal`), never
 *  what somebody remembers. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createFile, replaceFile, syncFolderOf } from '../../pgserver/server-files'
import { serverUser } from '../../pgserver/server-user'
import type { Settings } from '../../pgserver/settings'
import type { Places } from './places'
import { slotOf } from './slots'
import type { Primary, ServersOptions } from './spec'

/** What a server needs to follow another. The password goes into a file for the server's user alone, beside the data, so that
 *  no copy of the data has it and no setting shows it. */
export function followSettings(places: Places, options: ServersOptions, folder: string, primary: Primary): Settings {
  const { administrator } = options.flavour
  const passfile = join(places.server(folder), 'primary.pass')
  const login = [administrator, options.administratorPassword].map(passfileField).join(':')
  replaceFile(passfile, `*:*:*:${login}\n`, serverUser())
  const conninfo = {
    host: primary.address,
    port: String(options.port),
    user: administrator,
    passfile,
    application_name: slotOf(folder),
    connect_timeout: '10',
  }
  return {
    primary_conninfo: Object.entries(conninfo)
      .map(([name, value]) => `${name}=${conninfoValue(value)}`)
      .join(' '),
    primary_slot_name: slotOf(folder),
    hot_standby: 'on',
    wal_retrieve_retry_interval: '500ms',
  }
}

/** Whether the data is a replica's. */
export function isReplica(dataDir: string): boolean {
  return existsSync(join(dataDir, 'standby.signal'))
}

/** From its next start on the server follows, also after a power cut. Safe to repeat. */
export function makeFollower(dataDir: string): void {
  const mark = join(dataDir, 'standby.signal')
  if (!isReplica(dataDir)) createFile(mark, '', serverUser())
  // whoever made it may have died before its name was on disk
  else syncFolderOf(mark)
}

/** Colons part the fields. Source: PostgreSQL manual, "The Password File". */
function passfileField(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll(':', '\\:')
}

function conninfoValue(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
