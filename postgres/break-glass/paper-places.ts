/** What the papers of both ways share: where each step is said, keeping workers off, beginning again, and leading applications. Pure. */
import type { BreakGlassPapers, PaperSide, PaperStep } from '../../contracts/break-glass'
import type { DnsZone, Endpoint, HostPort } from '../../contracts/endpoint'
import { quoteIdentifier } from '../connect/quote'
import { KEYHOLE } from '../fence/keyhole'
import * as say from './words'

/** Of `endpoint` what no state of it says: as the fleet file has it. */
export type PapersInput = Omit<BreakGlassPapers, 'version' | 'forward' | 'back' | 'afterwards' | 'endpoint'> & {
  readonly endpoint: BreakGlassPapers['endpoint'] & { readonly declared: Endpoint }
}

type Side = 'source' | 'standby'

export interface Places {
  readonly keyhole: Readonly<Record<Side, string>>
  readonly database: Readonly<Record<Side, string>>
}

export function placesOf({ sides }: PapersInput): Places {
  const at = (side: Side, { name, instance, host, port }: PaperSide): string =>
    `${side}: ${name} on ${instance} (${host}:${port})`
  const [source, standby] = [at('source', sides.source), at('standby', sides.standby)]
  return {
    keyhole: { source: `${source}, database ${KEYHOLE}`, standby: `${standby}, database ${KEYHOLE}` },
    database: {
      source: `${source}, database ${sides.source.database}`,
      standby: `${standby}, database ${sides.standby.database}`,
    },
  }
}

/** In the keyholes first: from there on nothing is closed or opened by a worker. In the databases as their migrator, who owns the row. */
export function raisingAll({ operation }: PapersInput, { keyhole, database }: Places): PaperStep[] {
  const title = 'Keep every worker off: whoever comes back, or was only paused, finds a higher number and stops'
  const at = (id: string, where: string, note?: string): PaperStep => ({
    ...{ id, title, where, sql: say.raising(operation), done: say.RAISED },
    ...(note === undefined ? {} : { note }),
  })
  const owner = 'As the migrator, who owns the row'
  return [
    at('raise-keyhole-source', keyhole.source),
    at('raise-keyhole-standby', keyhole.standby),
    at('raise-standby', database.standby, owner),
    at(
      'raise-source',
      database.source,
      `${owner}. Where the database lets nobody in: after the step that opens it, and before anything else`,
    ),
  ]
}

/** Should a crossing have ended half way. */
export function again(
  { names: { forward, back } }: PapersInput,
  { database }: Places,
): Record<'backOff' | 'forwardOn', PaperStep> {
  return {
    backOff: {
      ...{ id: 'back-off', title: 'The way back carries nothing yet', where: database.source },
      sql: [`ALTER SUBSCRIPTION ${quoteIdentifier(back.subscription)} DISABLE;`],
      done: say.subscriptionIs(back.subscription, 'NOT s.subenabled'),
    },
    forwardOn: {
      ...{ id: 'forward-on', title: 'The standby follows', where: database.standby },
      sql: [`ALTER SUBSCRIPTION ${quoteIdentifier(forward.subscription)} ENABLE;`],
      done: say.subscriptionIs(forward.subscription, 's.subenabled'),
    },
  }
}

export function endpointStep({ sides, endpoint }: PapersInput, to: Side): PaperStep {
  const [from, at] = to === 'standby' ? [sides.source, sides.standby] : [sides.standby, sides.source]
  const title = `Lead applications from ${from.host}:${from.port} to ${at.host}:${at.port}`
  return { id: 'endpoint', title, where: 'the endpoint', note: howToMove(endpoint.declared, from, at), sql: [] }
}

/** For people: what moves each kind. */
function howToMove(endpoint: Endpoint, from: HostPort, { host, port }: HostPort): string {
  switch (endpoint.kind) {
    case 'pgbouncer': {
      const poolers = endpoint.poolers.map((one) => `${one.host}:${one.port} (as ${one.user})`).join(', ')
      return `On the admin console of each pooler, ${poolers}: write host=${host} port=${port} for the database ${endpoint.database} into the file that it includes, then RELOAD, and RESUME ${quoteIdentifier(endpoint.database)} where it is paused (SHOW DATABASES says so)`
    }
    case 'lab-router':
      return `The lab's router: POST /_lab/router/${endpoint.name} with {"from":{"host":"${from.host}","port":${from.port}},"to":{"host":"${host}","port":${port}}}`
    case 'command':
      return `By the program that the fleet file names: ${endpoint.move.join(' ')}, to ${host}:${port}`
    case 'dns':
      return `In ${zoneOf(endpoint.zone)}: lead the record of ${endpoint.name} from ${from.host} to ${host}, a CNAME for a name and an A for an address, with a TTL of ${endpoint.ttlSeconds} s${port === endpoint.port ? '' : `; a record has no port, and applications have to connect to ${port} instead of ${endpoint.port}`}`
    case 'none':
      return `Nothing here moves it: point applications to ${host}:${port}`
  }
}

/** As the fleet file names it. */
function zoneOf(zone: DnsZone): string {
  switch (zone.provider) {
    case 'aws':
      return `the hosted zone ${zone.id} of Route 53`
    case 'azure':
      return `the zone ${zone.name} of Azure DNS, resource group ${zone.resourceGroup}, subscription ${zone.subscription}`
    case 'gcp':
      return `the zone ${zone.name} of Cloud DNS, project ${zone.project}`
  }
}
