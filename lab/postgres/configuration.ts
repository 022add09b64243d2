/** The two files that say how a server behaves, from its spec: `postgresql.conf` and `pg_hba.conf`. What the mechanics need is
 *  written after what the customer may set, so that it stands. */
import { configureServer } from '../../pgserver/cluster'
import type { Settings } from '../../pgserver/settings'
import { writeAccessRules } from './access'
import { archiveSettings } from './archive'
import { raisedTo, readControlFile } from './control-file'
import { encryptionSettings, isShut } from './encryption'
import { followSettings, isReplica } from './follower'
import type { Places } from './places'
import type { ServerSpec, ServersOptions } from './spec'

/** How a server is started that is not open to anybody yet. */
export interface Closed {
  settings: Settings
}

/** Returns the settings written, with which the server is to be started. */
export function writeConfiguration(places: Places, options: ServersOptions, spec: ServerSpec, closed?: Closed): Settings {
  const dataDir = places.data(spec.folder)
  writeAccessRules(dataDir, {
    administrator: options.flavour.administrator,
    administratorAddress: options.administratorAddress,
    networks: closed || isShut(spec) ? [] : spec.networks,
    encryption: spec.tls === 'required' || spec.tls === 'mutual' ? spec.tls : undefined,
    certified: spec.front,
  })
  const asked = {
    // one call instead of an fsync for each file before recovery: twice as fast for a restored copy, and as durable
    ...(process.platform === 'linux' && { recovery_init_sync_method: 'syncfs' }),
    // a replica that stays away must not fill its primary's disk
    max_slot_wal_keep_size: '1GB',
    ...spec.settings,
    ...encryptionSettings(places, spec),
    ...(spec.archive !== undefined && archiveSettings(places, spec.archive)),
    ...(spec.replicaOf && followSettings(places, options, spec.folder, spec.replicaOf)),
    ...(spec.paused && { primary_conninfo: '' }),
    ...closed?.settings,
  }
  const settings = isReplica(dataDir) ? raisedTo(readControlFile(dataDir).minimums, asked) : asked
  configureServer({ dataDir, hosts: [spec.address], port: options.port, settings })
  return settings
}

/** Everything that a change of which must reach a running server. */
export function configurationOf(spec: ServerSpec): string {
  const { networks, settings, archive, replicaOf, paused, aliases, front, tls, clientAuthorities, certificateNumber } = spec
  const encryption = [tls, clientAuthorities, certificateNumber]
  return JSON.stringify([networks, settings, archive, replicaOf?.address, paused, aliases, front, encryption])
}
