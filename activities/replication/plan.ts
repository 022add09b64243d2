/** The plan of a standby: what both sides say before anything is made. Reads only. */
import { type Failure, failure } from '../../contracts/failures'
import type { Finding, OperationId } from '../../contracts/operation'
import type { PreflightFinding, PreflightReport } from '../../contracts/preflight'
import {
  type DiskGrowth,
  REPLICATE_DOCUMENTS,
  type ReplicatePlan,
  type ReplicatePlanSummary,
  type StandbyEpochs,
} from '../../contracts/replicate'
import type { StandbyRecord } from '../../contracts/standby'
import { sha256Of } from '../../ledger/digest'
import { standingEpoch } from '../../postgres/migrate/fence'
import { readHistory } from '../../postgres/migrate/history'
import { resolveMigrations } from '../../postgres/migrate/resolve'
import { standbyNames } from '../../postgres/replicate/names'
import { preflight } from '../../postgres/replicate/preflight/preflight'
import { readOrigin, strangersRows } from '../../postgres/replicate/seeding'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { epochAbove } from '../schema/epoch'
import { appliedMigrations } from './applied'
import type { ReplicationActivities } from './contract'
import { diskRoom } from './disk-room'
import { standingInKeyhole } from './keyhole'
import { refuseOldWriterAsSource } from './old-writer'
import { type Both, bothOf, looking, type Place } from './sides'

type Input = Parameters<ReplicationActivities['planReplication']>[0]
type Places = Readonly<Record<'source' | 'standby', Place>>

export async function planReplication(deps: ActivityDeps, input: Input): Promise<ReplicatePlanSummary> {
  const { operation, bundle, sides } = input
  const both = await bothOf(deps, bundle)
  const record = await deps.ledger.getStandby(both.id)
  if (record !== null) refuseStanding(record)
  const places: Places = {
    source: { ref: input, entry: both.entries.source, address: sides.source },
    standby: { ref: input, entry: both.entries.standby, address: sides.standby },
  }
  await refuseOldWriterAsSource(deps, places.source)
  const migrations = await migrationsOf(deps, places.source, bundle)
  const takesOver = record?.state === 'building' ? record.operation : null
  const before = (await deps.ledger.getDocument({ operation, name: REPLICATE_DOCUMENTS.plan })) as ReplicatePlan | null
  const { report, grow } = await ask(deps, places, both, { takesOver, disks: input.disks, planned: before?.grow })
  const { retainedBytesMax, lagMsMax } = both.request.declared
  const names = standbyNames(both.id)
  const growing = grow === null ? {} : { grow }
  const declared = { names, retainedBytesMax, lagMsMax }
  const body = { version: 1, bundle, ...sides, ...declared, migrations, ...growing, preflight: report } as const
  const document: ReplicatePlan = { ...body, digest: sha256Of({ ...body, preflight: lasting(report) }) }
  const epochs = await epochsOf(deps, places, input)
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: REPLICATE_DOCUMENTS.plan, document })
  const blocks = report.findings.filter(({ severity }) => severity === 'blocks').map(toFinding)
  const warnings = report.findings.filter(({ severity }) => severity === 'warning').length
  return { digest: document.digest, epochs, names, blocks, warnings, tables: report.tables, bytes: report.bytes, ...growing }
}

/** One that was given up while it was made may be made again: whoever made it holds no lock any more once we do. */
export function refuseStanding({ source, target, state, operation }: StandbyRecord): void {
  if (state === 'gone' || state === 'building') return
  throw standing(
    `${target} is a standby of ${source} already, and it is ${state}${operation === null ? '' : `, since ${operation}`}`,
    source,
  )
}

function standing(found: string, source: string): Failure {
  const message = `${found}: pause, resume or reseed it with "capstan standby", or remove it first with "capstan standby remove ${source}".`
  return failure('STANDBY_EXISTS', message, { source })
}

async function migrationsOf(deps: ActivityDeps, source: Place, bundle: string): Promise<string[]> {
  const { migrations } = await deps.ledger.getBundle(bundle)
  return looking(deps, source, 'migrator', async (session) => {
    const { rows } = await readHistory(session)
    return appliedMigrations(resolveMigrations(migrations), rows).map(({ script }) => script)
  })
}

interface Asking {
  /** The operation that left it half made; the rows under its mark are ours. */
  readonly takesOver: OperationId | null
  readonly disks: Input['disks']
  /** By the plan that this operation had before. */
  readonly planned: DiskGrowth | undefined
}

function ask(
  deps: ActivityDeps,
  { source, standby }: Places,
  { id, entries, request }: Both,
  { takesOver, disks, planned }: Asking,
): Promise<{ report: PreflightReport; grow: DiskGrowth | null }> {
  const { publisher, retainedBytesMax } = request.declared
  return looking(deps, source, 'admin', (there) =>
    looking(deps, standby, 'admin', async (here) => {
      const prepared = await looking(deps, standby, 'migrator', async (session) => {
        const mark = await readOrigin(session)
        const own = mark !== null && mark.source === id.source && mark.state === 'preparing'
        // what was prepared and came to nothing was left empty: rows in it are a stranger's
        const ours = own && (mark.operation === takesOver || mark.operation === standby.ref.operation)
        return own && (ours || (await strangersRows(session)) === null)
      })
      const { declared } = request
      const clouds = { source: entries.source.cloud, standby: entries.standby.cloud }
      const { free, freeLater, grow } = await diskRoom({
        ...{ source: there, standby: here, disks, prepared, declared, planned },
        clouds,
      })
      const report = await preflight({
        source: there,
        standby: here,
        clouds,
        publisher: { user: publisher.user, tls: publisher.tls },
        dataBytesFree: free,
        bytesFreeLater: freeLater,
        retainedBytesMax,
        prepared,
        names: standbyNames(id),
        signal: currentAct().signal,
      })
      return { report, grow }
    }),
  )
}

/** What an approval is of: not sizes, which move while others write, nor the sentences that name them, nor whether room that there is is tight. */
function lasting({ findings, notKnown, tables, versions, noWayBack }: PreflightReport): object {
  const stay = findings.filter(
    ({ check, severity, side }) => check !== 'disk-room' || severity !== 'warning' || side !== 'standby',
  )
  const found = stay.map(({ check, severity, side, object }) => ({ check, severity, side, object }))
  return { findings: found, notKnown, tables, versions, noWayBack }
}

function toFinding({ check, message, command }: PreflightFinding): Finding {
  return { rule: `preflight:${check}`, message: `${message} Mend it: ${command}` }
}

async function epochsOf(deps: ActivityDeps, places: Places, { operation, locks }: Input): Promise<StandbyEpochs> {
  const above = async (side: 'source' | 'standby'): Promise<number> => {
    const stands = await looking(deps, places[side], 'migrator', standingEpoch)
    const inKeyhole = side === 'standby' ? await standingInKeyhole(deps, places.standby) : 0
    return epochAbove(deps, operation, locks?.[side] ?? null, Math.max(stands, inKeyhole))
  }
  return { source: await above('source'), standby: await above('standby') }
}
