/** Holds green against blue while others write into blue: what an approval is of. Changes nothing in either. */
import { Failure } from '../../contracts/failures'
import type { Finding } from '../../contracts/operation'
import { type GreenMade, type GreenProven, UPGRADE_DOCUMENTS } from '../../contracts/upgrade'
import { sha256Of } from '../../ledger/digest'
import type { Session } from '../../postgres/connect/session'
import { describeSchema, diffFingerprints, type SchemaDescription } from '../../postgres/inspect/fingerprint'
import { bytesAhead, type PhysicalSide, physicalSide } from '../../postgres/replicate/physical'
import { compareDatabases } from '../../postgres/verify/compare'
import type { TableResult } from '../../postgres/verify/compared'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { looking, opener, type Place } from '../replication/sides'
import type { UpgradeDataActivities } from './contract'
import { placeOf, upgradingOf } from './pair'

type Input = Parameters<UpgradeDataActivities['proveGreen']>[0]

interface Said extends PhysicalSide {
  readonly major: number
  readonly version: string
  readonly schema: SchemaDescription
  /** Settings that wait for a restart. */
  readonly pending: readonly string[]
}

/** Of the tables that changed most since the counters began. */
const TABLES_MAX = 50
const HOTTEST = `SELECT pg_catalog.format('%I.%I', schemaname, relname) AS name FROM pg_catalog.pg_stat_user_tables
  WHERE schemaname <> 'capstan' AND n_tup_ins + n_tup_upd + n_tup_del > 0
  ORDER BY n_tup_ins + n_tup_upd + n_tup_del DESC, 1 LIMIT ${TABLES_MAX}`

/** Plain JSON, for the evidence. */
interface Compared {
  readonly equal: readonly string[]
  readonly different: readonly string[]
  /** Each with why. */
  readonly left: readonly string[]
}

export async function proveGreen(deps: ActivityDeps, input: Input): Promise<GreenProven> {
  const { operation, plan, blue, green } = input
  const { entry, request } = await upgradingOf(deps, input)
  const made = (await deps.ledger.getDocument({ operation, name: UPGRADE_DOCUMENTS.green })) as GreenMade | null
  const places = { blue: placeOf(input, entry, blue), green: placeOf(input, entry, green) }
  // blue first: what it has green gets
  const was = await looking(deps, places.blue, 'migrator', said)
  const is = await looking(deps, places.green, 'migrator', said)
  const lagBytes = was.major === is.major ? await looking(deps, places.blue, 'migrator', (one) => bytesAhead(one, is.lsn)) : null
  const compared = await compareHottest(deps, places, request.compareMsMax)
  const findings = [
    ...followFindings({ was, is, instance: green.instance }),
    ...versionFindings(is, request.engineVersion, green.instance),
    ...(made?.lacking ?? []).map((message) => finding('asked', message)),
    ...diffFingerprints(was.schema, is.schema, { names: [blue.instance, green.instance] }).map((line) => finding('schema', line)),
    ...is.pending.map((name) =>
      finding(
        'settings',
        `Setting ${name} of ${green.instance} waits for a restart, and is not what its parameter group says. Green is removed. Where ${blue.instance} waits for the same one, restart that first; otherwise mend it in the group. Then ask again.`,
      ),
    ),
    ...compared.different.map((table) =>
      finding('rows', `Rows of ${table} differ between ${blue.instance} and ${green.instance}.`),
    ),
  ]
  const lasting = { version: 1, plan, blue, green, postgres: is.version, fingerprint: is.schema.fingerprint, findings }
  const digest = sha256Of(lasting)
  assertMayAct()
  const document = { ...lasting, digest, lagBytes, compared }
  await deps.ledger.putDocument({ operation, name: UPGRADE_DOCUMENTS.proof, document })
  const late = lagBytes === null ? '' : `, ${lagBytes} bytes behind`
  const rows = `rows of ${compared.equal.length} tables proven equal, ${compared.left.length} not compared`
  const summary =
    findings.length > 0 ? `${findings.length} in the way` : `PostgreSQL ${is.version}, the same schema, ${rows}${late}`
  return { digest, findings, summary }
}

const NONE: Compared = { equal: [], different: [], left: [] }

const finding = (what: string, message: string): Finding => ({ rule: `upgrade:${what}`, message })

async function said(session: Session): Promise<Said> {
  const { signal } = currentAct()
  const physical = await physicalSide(session, signal)
  const pending = await session.query<{ name: string }>(
    'SELECT name FROM pg_catalog.pg_settings WHERE pending_restart ORDER BY 1',
  )
  const [row] = await session.query<{ version: string }>(
    `SELECT split_part(current_setting('server_version'), ' ', 1) AS version`,
  )
  return {
    ...physical,
    ...{ major: Math.floor(session.serverVersionNum / 10_000), version: row?.version ?? '' },
    ...{ schema: await describeSchema(session, { signal }), pending: pending.map(({ name }) => name) },
  }
}

/** Of another major version green follows by rows, and writes them itself. */
function followFindings({ was, is, instance }: { was: Said; is: Said; instance: string }): Finding[] {
  if (was.major !== is.major) return []
  if (!is.replays) return [finding('follows', `${instance} follows nobody: it takes writes itself.`)]
  if (was.system === null || is.system === null || was.system === is.system) return []
  return [finding('system', `${instance} is a copy of another server (system identifiers ${is.system} and ${was.system}).`)]
}

function versionFindings({ version }: Said, wanted: string | null, instance: string): Finding[] {
  if (wanted === null || version === wanted || version.startsWith(`${wanted}.`)) return []
  return [finding('version', `${instance} is PostgreSQL ${version}, and ${wanted} was asked for.`)]
}

/** Beside the writers. What cannot be compared is told, and keeps nobody: that green follows is known by other means as well. */
async function compareHottest(
  deps: ActivityDeps,
  { blue, green }: { readonly blue: Place; readonly green: Place },
  withinMs: number,
): Promise<Compared> {
  const tables = (await looking(deps, blue, 'migrator', (session) => session.query<{ name: string }>(HOTTEST))).map(
    ({ name }) => name,
  )
  if (tables.length === 0) return NONE
  try {
    const comparison = await compareDatabases({
      ...{ source: opener(deps, blue, 'migrator'), target: opener(deps, green, 'migrator'), mode: 'live', jobs: 1 },
      ...{ selection: { tables, exclude: [] }, stop: AbortSignal.timeout(withinMs), signal: currentAct().signal },
    })
    const of = (verdict: TableResult['verdict']) => comparison.tables.filter((one) => one.verdict === verdict)
    return {
      equal: of('equal').map(({ table }) => table),
      different: of('different').map(({ table }) => table),
      left: [
        ...of('inconclusive').map(({ table, note }) => `${table}: ${note ?? ''}`),
        ...(comparison.notReached ?? []).map((table) => `${table}: there was no time left`),
      ],
    }
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'DATABASE_REFUSED') throw error
    return { ...NONE, left: tables.map((table) => `${table}: ${error.message}`) }
  }
}
