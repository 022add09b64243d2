/** The papers of the way back: the source goes on, and the standby follows it. Pure. */
import type { PaperStep } from '../../contracts/break-glass'
import { quoteIdentifier } from '../connect/quote'
import { PAPER_GUARD, PAPER_RAISED_AGAIN, PAPER_SET_ASIDE } from '../replicate/guard'
import { again, endpointStep, type PapersInput, type Places, placesOf, raisingAll } from './paper-places'
import * as say from './words'

export function backOf(input: PapersInput): PaperStep[] {
  const places = placesOf(input)
  const { keyhole, database } = places
  const { sides, id, connectionLimit, operation, oneWay = false } = input
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
    ...(oneWay ? notOver(input, places) : []),
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

/** Writing may have moved there, and on from there, since: applications are kept out then, too. */
function notOver({ operation, sides, names: { forward } }: PapersInput, { keyhole, database }: Places): PaperStep[] {
  const others = say.keptOutByOthers(operation, sides.standby.database)
  const there = say.subscriptionIs(forward.subscription, 'true')
  return [
    {
      ...{ id: 'ours', title: 'Only where this shows no row: else writing has moved there since, and on from there' },
      ...{ where: keyhole.standby, sql: [`${others};`], done: `SELECT NOT EXISTS (${others})` },
    },
    {
      ...{ id: 'way-there', title: 'And only where this says true: the way there is there still', where: database.standby },
      ...{ sql: [`${there};`], done: there },
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
