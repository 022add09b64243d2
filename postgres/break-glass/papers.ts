/** The papers: what a person says, in which session, in which order, should Capstan not come back; and how it is taken back. `capstan break-glass` does the same by
 *  itself; these are for who has psql and nothing else. Pure. */
import type { BreakGlassPapers, PaperSide, PaperStep } from '../../contracts/break-glass'
import type { DnsZone, Endpoint, HostPort } from '../../contracts/endpoint'
import { quoteIdentifier } from '../connect/quote'
import { KEYHOLE } from '../fence/keyhole'
import { PAPER_GUARD, PAPER_GUARDED, PAPER_RAISED_AGAIN, PAPER_SET_ASIDE } from '../replicate/guard'
import * as say from './words'

/** Of `endpoint` what no state of it says: as the fleet file has it. */
export type PapersInput = Omit<BreakGlassPapers, 'version' | 'forward' | 'back' | 'afterwards' | 'endpoint'> & {
  readonly endpoint: BreakGlassPapers['endpoint'] & { readonly declared: Endpoint }
}

export function papersOf(input: PapersInput): BreakGlassPapers {
  const { endpoint, ...facts } = input
  return {
    ...{ version: 2, ...facts, endpoint: { kind: endpoint.kind, at: endpoint.at } },
    ...{ forward: forwardOf(input), back: backOf(input), afterwards: afterwardsOf(input) },
  }
}

type Side = 'source' | 'standby'

interface Places {
  readonly keyhole: Readonly<Record<Side, string>>
  readonly database: Readonly<Record<Side, string>>
}

function placesOf({ sides }: PapersInput): Places {
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
function raisingAll({ operation }: PapersInput, { keyhole, database }: Places): PaperStep[] {
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

function forwardOf(input: PapersInput): PaperStep[] {
  const places = placesOf(input)
  const { operation, sides, connectionLimit } = input
  const { database } = sides.source
  const kept: PaperStep[] = [
    {
      ...{ id: 'keep-out', title: 'Keep applications out of the source, and write down whom', where: places.keyhole.source },
      note: 'As the owner of the database (SET ROLE), where the master is not it',
      ...{ sql: say.keepingOut(operation, database, sides.source.keeps), done: say.keptOut(database) },
    },
    {
      ...{ id: 'let-own-in', title: 'Where it is closed already: let its own roles in, so that a session can stay inside' },
      ...{ where: places.keyhole.source, sql: say.opening(database, connectionLimit) },
      done: say.ofDatabase(database, `datallowconn AND datconnlimit = ${connectionLimit}`),
    },
  ]
  const before = [...raisingAll(input, places), ...kept]
  const { forwardOn, backOff } = again(input, places)
  if (input.oneWay !== true)
    return [...before, backOff, forwardOn, ...draining(input, places), ...followedBack(input, places), ...beyond(input, places), ...turning(input, places)]
  return [...before, forwardOn, ...draining(input, places), ...closedForGood(input, places), ...beyond(input, places), ...leaving(input, places)]
}

/** Should a crossing have ended half way. */
function again({ names: { forward, back } }: PapersInput, { database }: Places): Record<'backOff' | 'forwardOn', PaperStep> {
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

/** Until the standby has all. */
function draining(input: PapersInput, { keyhole, database }: Places): PaperStep[] {
  const { operation, sides, names, drainMsMax, oneWay = false } = input
  const { forward } = names
  const inside = `${database.source}, in the session S`
  const { database: name } = sides.source
  const literal = say.literal(name)
  return [
    {
      ...{ id: 'stay', title: 'Open a session S as the master and leave it open to the end: nobody comes in later' },
      ...{ where: inside, sql: ['SELECT pg_backend_pid(); -- the PID OF S'] },
    },
    {
      ...{
        id: 'close',
        title: 'Close the source to everybody; whoever is inside stays until he is ended',
        where: keyhole.source,
      },
      ...{ sql: say.closing(operation, name), done: say.ofDatabase(name, 'NOT datallowconn OR datconnlimit = 0') },
    },
    {
      ...{ id: 'empty', title: 'End whoever is inside but S and the walsender of the slot, until nobody is shown any more' },
      where: keyhole.source,
      note: 'A prepared transaction can be committed later by anybody: roll it back, or commit it, where one is shown',
      sql: [
        `SELECT pid, usename, pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${literal} AND backend_type <> 'autovacuum worker' AND pid NOT IN (PID OF S, (SELECT coalesce(active_pid, 0) FROM pg_replication_slots WHERE slot_name = ${say.literal(forward.slot)}));`,
        `SELECT gid, owner FROM pg_prepared_xacts WHERE database = ${literal};`,
      ],
    },
    ...(oneWay ? [] : [guarding(inside)]),
    {
      ...{ id: 'marker', title: 'Commit the last row of the source, and note its value and the position' },
      ...{ where: inside, sql: say.MARKER },
    },
    {
      ...{
        id: 'barrier',
        title: `Wait until the standby has all of it, for ${drainMsMax / 1000} s at most; else take everything back`,
      },
      where: `${keyhole.source}; then ${database.standby}`,
      note: 'Only both together say it, and nothing that pg_stat_replication shows',
      sql: [say.confirmed(forward.slot), say.MARKER_SEEN],
    },
    {
      ...{ id: 'unguard', title: 'Set that of the standby aside, where there is one', where: database.standby },
      note: 'Once: it turns nobody away of a database that follows nobody',
      ...{ sql: [PAPER_GUARD.setAside], done: PAPER_SET_ASIDE },
    },
    {
      ...{ id: 'sequences', title: 'Set the sequences of the standby; what this answers is to be said there' },
      where: `${inside}; what it answers: ${database.standby}`,
      sql: [say.SEQUENCES],
    },
  ]
}

function guarding(where: string): PaperStep {
  return {
    ...{
      id: 'guard',
      title:
        'Put the guard upon the tables of the source, which turns away whoever writes there once it follows; some hundred at a time',
    },
    note: 'Once, or twice. A table that somebody holds is passed over, and is not waited for: "capstan standby resume" puts it there once the old writer follows',
    ...{ where, sql: [PAPER_GUARD.raise], done: PAPER_GUARDED },
  }
}

const stoppedFollowing = (subscription: string): string =>
  `SELECT NOT EXISTS (SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database() AND s.subname = ${say.literal(subscription)} AND s.subenabled)`

/** Without a way back. */
function closedForGood({ operation, sides, names: { forward }, connectionLimit }: PapersInput, { keyhole, database }: Places): PaperStep[] {
  const { database: name } = sides.source
  return [
    {
      ...{ id: 'forward-off', title: 'Stop following', where: database.standby },
      sql: [`ALTER SUBSCRIPTION ${quoteIdentifier(forward.subscription)} DISABLE;`],
      done: stoppedFollowing(forward.subscription),
    },
    {
      ...{ id: 'passed', title: 'Write down that the standby has all of it: from here on the source stays closed', where: keyhole.source },
      note: 'It says UPDATE 1: with 0 the source is not closed, and nothing below may be done. S may be left now',
      ...{ sql: [say.passing(operation, name, connectionLimit)], done: say.passed(operation, name) },
    },
  ]
}

/** Behind that. */
function followedBack(input: PapersInput, { keyhole, database }: Places): PaperStep[] {
  const { sides, names, connectionLimit } = input
  const { forward, back } = names
  const { database: name } = sides.source
  const inside = `${database.source}, in the session S`
  return [
    {
      ...{ id: 'forward-off', title: 'Stop following', where: database.standby },
      sql: [
        `ALTER SUBSCRIPTION ${quoteIdentifier(forward.subscription)} DISABLE;`,
        `ALTER SUBSCRIPTION ${quoteIdentifier(forward.subscription)} SET (origin = none);`,
      ],
      done: stoppedFollowing(forward.subscription),
    },
    {
      ...{ id: 'workers', title: 'Let the workers of the way back into the source, and nobody else', where: keyhole.source },
      ...{ sql: say.lettingWorkersIn(name, connectionLimit), done: say.ofDatabase(name, 'datallowconn') },
    },
    {
      ...{ id: 'back-on', title: 'Let the source follow the standby', where: inside },
      sql: [`ALTER SUBSCRIPTION ${quoteIdentifier(back.subscription)} ENABLE;`],
      done: say.subscriptionIs(back.subscription, 's.subenabled'),
    },
    {
      ...{ id: 'proof', title: 'A row that is committed on the standby is seen on the source' },
      ...{ where: `${database.standby}; then ${inside}`, sql: [...say.MARKER, say.MARKER_SEEN] },
    },
  ]
}

/** From here on there is only forward. */
function beyond(input: PapersInput, { keyhole, database }: Places): PaperStep[] {
  const { sides, id, operation } = input
  return [
    {
      ...{ id: 'moved', title: 'Writing moves away from the source, and that is known in it', where: keyhole.source },
      note: 'It says INSERT 0 1: with 0 0 the source is not closed, and nothing below may be done',
      sql: [say.movingAway(operation, sides.source.database, id.target)],
      done: say.movedAway(operation, sides.source.database),
    },
    {
      ...{ id: 'own', title: 'It is nobody’s standby any more: nothing in it may be thrown away', where: database.standby },
      ...{
        note: 'As the migrator',
        sql: [`DELETE FROM capstan.standby_origin WHERE source = ${say.literal(id.source)};`, ...say.UNBOUND],
      },
      done: `SELECT NOT EXISTS (SELECT FROM capstan.standby_origin WHERE source = ${say.literal(id.source)})`,
    },
    {
      ...{ id: 'open', title: 'From here on there is no way back: let applications into the standby, exactly as before' },
      where: keyhole.standby,
      note: 'Only while the source is closed: look once more at the step that closes it',
      sql: [...[say.forgettingMoved(sides.standby.database)], ...say.lettingIn(sides.standby.database, sides.standby.keeps)],
      done: `SELECT NOT (${say.keptOut(sides.standby.database)})`,
    },
    endpointStep(input, 'standby'),
  ]
}

/** The old writer follows. */
function turning(input: PapersInput, { keyhole, database }: Places): PaperStep[] {
  const { sides, names, id, connectionLimit } = input
  return [
    {
      ...{ id: 'follow', title: 'Open the old writer to its own roles: applications are kept out of it by the grants' },
      ...{ where: keyhole.source, sql: say.opening(sides.source.database, connectionLimit) },
      done: `SELECT (${say.keptOut(sides.source.database)}) AND (${say.ofDatabase(sides.source.database, 'datallowconn AND datconnlimit <> 0')})`,
    },
    {
      ...{ id: 'mark', title: 'Write down whose standby it is now', where: database.source, note: 'As the migrator' },
      sql: [
        `INSERT INTO capstan.standby_origin (source, operation, state) VALUES (${say.literal(id.target)}, ${say.literal(input.operation)}, 'following') ON CONFLICT (singleton) DO UPDATE SET source = excluded.source, operation = excluded.operation, state = excluded.state, tables = NULL, changed_at = now();`,
      ],
      done: `SELECT EXISTS (SELECT FROM capstan.standby_origin WHERE source = ${say.literal(id.target)} AND state = 'following')`,
    },
    {
      ...{ id: 'remove-subscription', title: 'Remove the way there', where: database.standby },
      sql: say.droppingSubscription(names.forward.subscription),
      done: `SELECT NOT (${say.subscriptionIs(names.forward.subscription, 'true')})`,
    },
    {
      ...{ id: 'remove-slot', title: 'Remove its slot: one that nobody reads holds the log back', where: database.source },
      ...{ sql: say.droppingSlot(names.forward), done: say.slotIs(names.forward.slot, false) },
    },
  ]
}

/** The old writer stays closed, without a way back. */
function leaving({ names: { forward } }: PapersInput, { keyhole, database }: Places): PaperStep[] {
  return [
    {
      ...{ id: 'remove-subscription', title: 'Remove the way there', where: database.standby },
      sql: say.droppingSubscription(forward.subscription),
      done: `SELECT NOT (${say.subscriptionIs(forward.subscription, 'true')})`,
    },
    {
      ...{ id: 'remove-slot', title: 'Remove its slot: one that nobody reads holds the log back', where: keyhole.source },
      note: `Nobody comes into the old writer, and any database will do. Its publication ${forward.publication} stays in it, and does nothing`,
      ...{ sql: say.droppingSlotAlone(forward.slot), done: say.slotIs(forward.slot, false) },
    },
  ]
}

function backOf(input: PapersInput): PaperStep[] {
  const places = placesOf(input)
  const { keyhole, database } = places
  const { sides, names, id, connectionLimit, operation, oneWay = false } = input
  const { forward } = names
  const { backOff, forwardOn } = again(input, places)
  return [
    ...raisingAll(input, places),
    {
      ...{
        id: 'not-opened',
        title: 'Go on only where applications are still kept out of the standby: else there would be two writers',
      },
      ...{ where: keyhole.standby, sql: [say.keptOut(sides.standby.database)], done: say.keptOut(sides.standby.database) },
    },
    ...(oneWay ? [] : [unwritten(input, places)]),
    {
      ...{ id: 'mark', title: 'Write down that it is a standby still', where: database.standby, note: 'As the migrator' },
      sql: [
        `INSERT INTO capstan.standby_origin (source, operation, state) VALUES (${say.literal(id.source)}, ${say.literal(operation)}, 'following') ON CONFLICT (singleton) DO NOTHING;`,
      ],
      done: `SELECT EXISTS (SELECT FROM capstan.standby_origin WHERE source = ${say.literal(id.source)} AND state = 'following')`,
    },
    // while the way back is enabled the source's guard turns writers away: nobody but its own roles comes in before that is over
    {
      ...{
        id: 'keep-out',
        title: 'Where workers of the way back were let into the source: keep applications out of it until that carries nothing',
        where: keyhole.source,
      },
      note: 'As the owner of the database (SET ROLE), where the master is not it',
      sql: say.keepingOut(operation, sides.source.database, sides.source.keeps),
      done: `SELECT (${say.ofDatabase(sides.source.database, 'datconnlimit <> 0')}) OR (${say.keptOut(sides.source.database)})`,
    },
    {
      ...{ id: 'open', title: 'Open the source: to its own roles alone, where applications are kept out', where: keyhole.source },
      sql: say.opening(sides.source.database, connectionLimit),
      done: say.ofDatabase(sides.source.database, 'datallowconn AND datconnlimit <> 0'),
    },
    ...(oneWay ? [] : [backOff]),
    {
      ...{
        id: 'let-in',
        title: 'From here on it is the writer again: who was kept out may connect; nobody was, where this shows nothing',
      },
      ...{
        where: keyhole.source,
        sql: [say.forgettingMoved(sides.source.database), ...say.lettingIn(sides.source.database)],
        done: `SELECT NOT (${say.keptOut(sides.source.database)})`,
      },
    },
    forwardOn,
    endpointStep(input, 'source'),
    ...(oneWay ? [] : wayBackGone(input, places)),
    {
      ...{ id: 'guard-again', title: 'And let that of the standby stand again, where there is one', where: database.standby },
      ...{ sql: [PAPER_GUARD.raiseAgain], done: PAPER_RAISED_AGAIN },
    },
  ]
}

function unwritten({ names: { back } }: PapersInput, { database }: Places): PaperStep {
  return {
    ...{ id: 'unwritten', title: 'And where nothing was written there by others: rows that are shown here would be lost' },
    where: database.standby,
    note: 'Where somebody reads the slot (active), wait until confirmed_flush_lsn is the position of pg_current_wal_flush_lsn(): then the source has them',
    sql: [
      `SELECT count(*) FROM pg_logical_slot_peek_binary_changes(${say.literal(back.slot)}, NULL, 1000, 'proto_version', '1', 'publication_names', ${say.literal(quoteIdentifier(back.publication))}, 'origin', 'none') WHERE get_byte(data, 0) IN (68, 73, 84, 85);`,
    ],
  }
}

function wayBackGone({ names: { forward, back } }: PapersInput, { database }: Places): PaperStep[] {
  return [
    {
      ...{ id: 'all', title: 'Once the standby has a row that is written now: let it follow all again', where: database.standby },
      sql: [`ALTER SUBSCRIPTION ${quoteIdentifier(forward.subscription)} SET (origin = any);`],
      done: say.subscriptionIs(forward.subscription, "s.suborigin = 'any'"),
    },
    {
      ...{ id: 'remove-subscription', title: 'Remove the way back', where: database.source },
      sql: say.droppingSubscription(back.subscription),
      done: `SELECT NOT (${say.subscriptionIs(back.subscription, 'true')})`,
    },
    {
      ...{ id: 'remove-slot', title: 'Remove its slot: one that nobody reads holds the log back', where: database.standby },
      ...{ sql: say.droppingSlot(back), done: say.slotIs(back.slot, false) },
    },
    {
      ...{
        id: 'unguard',
        title: 'Set the guard of the source aside; where it is not had at once, again',
        where: database.source,
      },
      ...{ sql: [PAPER_GUARD.setAside], done: PAPER_SET_ASIDE },
    },
  ]
}

function endpointStep({ sides, endpoint }: PapersInput, to: Side): PaperStep {
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

function afterwardsOf({ operation, id, sides, oneWay }: PapersInput): string[] {
  const follows = oneWay === true ? '' : ` first, then "capstan replicate ${id.target} --to ${id.source}"`
  return [
    `capstan break-glass reconcile FILE tells the ledger what "capstan break-glass" did, once it and Temporal are there again. Without its journal: "capstan ops show ${operation}".`,
    `Where its workflow waits for an operator, for what was done by psql: "capstan ops resolve ${operation} done"; where it is gone: "capstan ops abort ${operation} --close-record".`,
    `Finished by psql alone: the ledger still says that ${id.target} follows ${id.source}. Never "capstan standby reseed ${id.source}": "capstan standby remove ${id.source} --to ${id.target}"${follows}.`,
    `${sides.source.instance} has rows of who may act that are higher than the ledger knows: the next operation goes above them by itself.`,
  ]
}
