/** What a person does with psql should we not come back: the rest of the way from each point on, and the way back. Every name is filled in; no password is. */
import type { InstanceAddress } from '../../contracts/migrate'
import { type PaperStep, SWITCHOVER_DOCUMENTS, type SwitchoverPapers } from '../../contracts/switchover'
import { quoteIdentifier } from '../../postgres/connect/quote'
import { KEYHOLE } from '../../postgres/fence/keyhole'
import { MARKER_TABLE } from '../../postgres/replicate/marker'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { Switching } from './contract'
import { type Pair, pairOf } from './pair'

export async function writePapers(deps: ActivityDeps, input: Switching): Promise<{ summary: string }> {
  const { operation } = input
  const document = papersOf(await pairOf(deps, input))
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: SWITCHOVER_DOCUMENTS.papers, document })
  return {
    summary: `${document.forward.length} steps to go on by hand, ${document.back.length} to go back: "capstan ops show ${operation} --plan"`,
  }
}

export function papersOf({ places, forward, back }: Pick<Pair, 'places' | 'forward' | 'back'>): SwitchoverPapers {
  const [source, standby] = [sideOf('source', places.source), sideOf('standby', places.standby)]
  const keyhole = { ...source, where: `${source.place}, database ${KEYHOLE}` }
  const at = ({ where }: { where: string }, title: string, ...sql: string[]): PaperStep => ({ title, where, sql })
  return {
    version: 1,
    forward: [
      at(
        keyhole,
        'Close the source to everybody; whoever is inside stays until he is ended',
        `ALTER DATABASE ${source.name} ALLOW_CONNECTIONS false;`,
      ),
      at(
        keyhole,
        'End whoever is inside but the walsender of the slot, until nobody is left',
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${source.literal} AND pid <> (SELECT active_pid FROM pg_replication_slots WHERE slot_name = '${forward.slot}');`,
      ),
      at(
        keyhole,
        'Wait until the standby has confirmed what this shows as flushed, whatever pg_stat_replication says',
        `SELECT pg_current_wal_flush_lsn(), confirmed_flush_lsn, active FROM pg_replication_slots WHERE slot_name = '${forward.slot}';`,
        `-- on the standby, in ${places.standby.entry.database}: the newest rows are there, ${MARKER_TABLE} among them`,
      ),
      at(standby, 'Stop following', `ALTER SUBSCRIPTION ${quoteIdentifier(forward.subscription)} DISABLE;`),
      at(
        keyhole,
        'Let the workers of the way back into the source, and nobody else',
        `ALTER DATABASE ${source.name} ALLOW_CONNECTIONS true CONNECTION LIMIT 0;`,
        `-- ALTER SUBSCRIPTION ${quoteIdentifier(back.subscription)} ENABLE has to be said by a session that was inside before`,
      ),
      at(
        standby,
        `Let the applications in: grants that were taken are in capstan.kept_out of the database ${KEYHOLE}`,
        `SELECT grants FROM capstan.kept_out; -- in ${KEYHOLE}, then GRANT CONNECT ON DATABASE ${standby.name} TO each`,
      ),
      at(
        { where: 'the endpoint' },
        `Lead it from ${places.source.address.host}:${places.source.address.port} to ${places.standby.address.host}:${places.standby.address.port}`,
      ),
    ],
    back: [
      at({ where: 'before anybody wrote on the standby, and only then' }, 'Everything below takes back what is above'),
      at(keyhole, 'Open the source', `ALTER DATABASE ${source.name} ALLOW_CONNECTIONS true CONNECTION LIMIT -1;`),
      at(source, 'Stop the way back', `ALTER SUBSCRIPTION ${quoteIdentifier(back.subscription)} DISABLE;`),
      at(standby, 'Follow again', `ALTER SUBSCRIPTION ${quoteIdentifier(forward.subscription)} ENABLE;`),
    ],
  }
}

function sideOf(
  side: string,
  { entry, address }: { readonly entry: { readonly database: string }; readonly address: InstanceAddress },
) {
  const { database } = entry
  const place = `${side}: ${address.instance} (${address.host}:${address.port})`
  return {
    place,
    where: `${place}, database ${database}`,
    name: quoteIdentifier(database),
    literal: `'${database.replaceAll("'", "''")}'`,
  }
}
