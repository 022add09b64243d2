/** Does anything in the target act on the outside by itself? Asked where a copy runs for a while with its source's settings before it can be made
 *  inert: a copy of a subscriber takes production's replication slots within its first seconds. What cannot be read counts as acting. */
import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { InstanceAddress } from '../../contracts/migrate'
import type { OperationId } from '../../contracts/operation'
import type { Session } from '../../postgres/connect/session'
import { type InertnessFinding, inertnessFindings } from '../../postgres/inspect/inertness'
import type { ActivityDeps } from '../deps'
import type { SchemaActivities } from './contract'
import { withSession } from './open-session'

/** pg_cron's own default. */
const CRON_DATABASE = 'postgres'

const SAID: Readonly<Partial<Record<InertnessFinding['id'], string>>> = {
  subscriptions: 'it has enabled subscriptions (ALTER SUBSCRIPTION … DISABLE)',
  'scheduled-jobs': 'pg_cron launches its jobs (cron.launch_active_jobs)',
}

export async function proveDormant(
  deps: ActivityDeps,
  { operation, step, bundle, target }: Parameters<SchemaActivities['proveDormant']>[0],
): Promise<void> {
  const { database: entry } = await deps.ledger.getBundle(bundle)
  await assertDormant(deps, { operation, step, entry, address: target })
}

interface Asked {
  readonly entry: DatabaseEntry
  readonly operation: OperationId
  readonly step: string
  readonly address: InstanceAddress
}

/** As the instance's master: others may not see its settings. Fails with CANARY_NOT_INERT. */
export async function assertDormant(deps: ActivityDeps, asked: Asked): Promise<void> {
  const request = { ...asked, role: 'admin', canary: false } as const
  const here = await withSession(deps, request, async (session) => ({
    acting: await acting(session),
    settings: await readSettings(session),
  }))
  const { libraries, cronDatabase } = here.settings
  const elsewhere = cronDatabase !== asked.entry.database && (libraries === null || libraries.includes('pg_cron'))
  const entry = { ...asked.entry, database: cronDatabase }
  const there = elsewhere ? await withSession(deps, { ...request, entry }, acting) : []
  const why = [
    ...new Set([...here.acting, ...there]),
    ...(libraries === null ? ['its preloaded libraries may not be read (grant pg_read_all_settings)'] : []),
    ...['pglogical', 'pgactive'].filter((library) => libraries?.includes(library)).map((library) => `it preloads ${library}`),
  ]
  if (why.length === 0) return
  const { instance } = asked.address
  throw failure(
    'CANARY_NOT_INERT',
    `A copy of ${instance} runs with its source's settings before this cloud lets it be made inert, and would act on the outside: ${why.join('; ')}. Nothing was changed; end that for the time of the operation, then start again.`,
    { instance, findings: why.length },
  )
}

async function acting(session: Session): Promise<string[]> {
  const found = await inertnessFindings(session)
  return found.flatMap(({ id, severity }) => (severity === 'acts' ? (SAID[id] ?? []) : []))
}

interface Settings {
  /** Null: they may not be read. */
  readonly libraries: readonly string[] | null
  readonly cronDatabase: string
}

async function readSettings(session: Session): Promise<Settings> {
  const rows = await session.query<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_catalog.pg_settings WHERE name IN ('shared_preload_libraries', 'cron.database_name')`,
  )
  const settings = new Map(rows.map(({ name, setting }) => [name, setting]))
  const preloaded = settings.get('shared_preload_libraries')
  return {
    libraries: preloaded?.split(',').map((library) => library.trim().replaceAll('"', '')) ?? null,
    cronDatabase: settings.get('cron.database_name') || CRON_DATABASE,
  }
}
