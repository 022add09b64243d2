/** How a setting of a server is changed, by whom it is run. */
import type { Cloud } from '../../../contracts/fleet'

const OWN_NAMES: Readonly<Record<Cloud, Readonly<Record<string, string>>>> = {
  aws: { 'wal_level = logical': 'rds.logical_replication = 1' },
  azure: {},
  gcp: { 'wal_level = logical': 'cloudsql.logical_decoding = on' },
}

const PLACES: Readonly<Record<Cloud, string>> = {
  aws: 'in a parameter group of its own',
  azure: 'among the server parameters',
  gcp: 'among the database flags',
}

const RESTARTS: Readonly<Record<Cloud, string>> = {
  aws: ', then reboot the instance',
  azure: ', then restart the server',
  gcp: ', which restarts the instance',
}

/** As the cloud names it, with the place as a comment; SQL where there is no cloud. `restart`: it counts from the next start on. */
export function toSet(cloud: Cloud | null, name: string, value: string | number, restart: boolean): string {
  const pair = `${name} = ${value}`
  if (cloud === null) return `ALTER SYSTEM SET ${pair}; ${restart ? '-- then restart the server' : 'SELECT pg_reload_conf();'}`
  return `${OWN_NAMES[cloud][pair] ?? pair} -- ${PLACES[cloud]}${restart ? RESTARTS[cloud] : ''}`
}
