/** The papers: what a person says, in which session, in which order, should Capstan not come back; and how it is taken back. `capstan break-glass` does the same by
 *  itself; these are for who has psql and nothing else. Pure. */
import type { BreakGlassPapers, PaperStep } from '../../contracts/break-glass'
import { quoteIdentifier } from '../connect/quote'
import { PAPER_GUARD, PAPER_GUARDED, PAPER_SET_ASIDE } from '../replicate/guard'
import { again, endpointStep, type PapersInput, type Places, placesOf, raisingAll } from './paper-places'
import { backOf } from './papers-back'
import * as say from './words'

export function papersOf(input: PapersInput): BreakGlassPapers {
  const { endpoint, ...facts } = input
  return {
    ...{ version: 2, ...facts, endpoint: { kind: endpoint.kind, at: endpoint.at } },
    ...{ forward: forwardOf(input), back: backOf(input), afterwards: afterwardsOf(input) },
  }
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
  const before = [...raisingAll(input, places), ...(input.oneWay === true ? [apartStill(input, places)] : []), ...kept]
  const { forwardOn, backOff } = again(input, places)
  if (input.oneWay !== true)
    return [
      ...before,
      backOff,
      forwardOn,
      ...draining(input, places),
      ...followedBack(input, places),
      ...beyond(input, places),
      ...turning(input, places),
    ]
  return [
    ...before,
    forwardOn,
    ...draining(input, places),
    ...closedForGood(input, places),
    ...beyond(input, places),
    ...leaving(input, places),
  ]
}

/** It has no way back that would say so. */
function apartStill({ operation, sides }: PapersInput, { keyhole }: Places): PaperStep {
  const sql = say.keptOutByOthers(operation, sides.standby.database)
  return {
    ...{ id: 'not-taken-back', title: 'Go on only where this shows no row: else it was refused or taken back, or is long over' },
    ...{ where: keyhole.standby, sql: [`${sql};`], done: `SELECT NOT EXISTS (${sql})` },
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
function closedForGood(
  { operation, sides, names: { forward }, connectionLimit }: PapersInput,
  { keyhole, database }: Places,
): PaperStep[] {
  const { database: name } = sides.source
  return [
    {
      ...{ id: 'forward-off', title: 'Stop following', where: database.standby },
      sql: [`ALTER SUBSCRIPTION ${quoteIdentifier(forward.subscription)} DISABLE;`],
      done: stoppedFollowing(forward.subscription),
    },
    {
      ...{
        id: 'passed',
        title: 'Write down that the standby has all of it: from here on the source stays closed',
        where: keyhole.source,
      },
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

function afterwardsOf({ operation, id, sides, oneWay }: PapersInput): string[] {
  const follows = oneWay === true ? '' : ` first, then "capstan replicate ${id.target} --to ${id.source}"`
  return [
    `capstan break-glass reconcile FILE tells the ledger what "capstan break-glass" did, once it and Temporal are there again. Without its journal: "capstan ops show ${operation}".`,
    `Where its workflow waits for an operator, for what was done by psql: "capstan ops resolve ${operation} done"; where it is gone: "capstan ops abort ${operation} --close-record".`,
    `Finished by psql alone: the ledger still says that ${id.target} follows ${id.source}. Never "capstan standby reseed ${id.source}": "capstan standby remove ${id.source} --to ${id.target}"${follows}.${oneWay === true ? ` It cannot come into ${id.source}, which is closed, and says of a slot there that it may stay: the last step of these papers has removed it.` : ''}`,
    `${sides.source.instance} has rows of who may act that are higher than the ledger knows: the next operation goes above them by itself.`,
  ]
}
