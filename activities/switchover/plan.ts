/** Whether writing can move, as both sides, the ledger and the endpoint say. Reads only. */
import { samePlace } from '../../contracts/endpoint'
import type { Finding } from '../../contracts/operation'
import type { StandbyEpochs } from '../../contracts/replicate'
import type { StandbyRecord } from '../../contracts/standby'
import { SWITCHOVER_DOCUMENTS, type SwitchoverPlan, type SwitchoverPlanSummary } from '../../contracts/switchover'
import { sha256Of } from '../../ledger/digest'
import { enterKeyhole } from '../../postgres/fence/keyhole'
import { standingEpoch } from '../../postgres/migrate/fence'
import { keepOutObstacles } from '../../postgres/replicate/keep-out'
import { barrierObstacles } from '../../postgres/replicate/marker'
import { schemaDiffers } from '../../postgres/replicate/watch/schema-differs'
import { readSequences } from '../../postgres/replicate/watch/sequences'
import { noWayBackTo } from '../../postgres/replicate/way-back'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { masterOf } from '../replication/keyhole'
import { writeMade } from '../replication/made'
import { publishedTables } from '../replication/published'
import { standing } from '../replication/record'
import { looking, type SideName } from '../replication/sides'
import { epochAbove } from '../schema/epoch'
import type { SwitchoverActivities } from './contract'
import { type Pair, pairOf } from './pair'

type Input = Parameters<SwitchoverActivities['planSwitchover']>[0]

/** From the fence to the way back: what it took on one machine with four writers, docs/decisions/0028. */
const CROSSING_MS = 1_500

export async function planSwitchover(deps: ActivityDeps, input: Input): Promise<SwitchoverPlanSummary> {
  const { operation, sides, fence, endpoint, bundle } = input
  const pair = await pairOf(deps, input)
  const record = await standing(deps, pair.id)
  const { there, here } = await lookAtBoth(deps, pair)
  const blocks = [
    ...blocksOfRecord(record, input),
    ...blocksOfEndpoint(input),
    ...fence.obstacles.map((one) => block('fence', one)),
    ...there,
  ]
  const lagMs = record.look?.lagMs ?? null
  const lasting = {
    ...{ version: 1 as const, bundle, ...sides, names: pair.forward, back: pair.back },
    ...{ endpointAt: endpoint.at, closes: fence.databases, tables: here.tables.length, sequences: here.sequences },
    ...{ blocks, warnings: warningsOf(input) },
  } as const
  const moving = { fence: fence.summary, lagMs, predictedOutageMs: CROSSING_MS + (lagMs ?? 0) }
  const document: SwitchoverPlan = { ...lasting, ...moving, digest: sha256Of(lasting) }
  const epochs = await epochsOf(deps, pair, input)
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: SWITCHOVER_DOCUMENTS.plan, document })
  if (input.locks !== null) await writeMade(deps, operation, { version: 1, ...pair.id, names: pair.forward, tables: here.tables })
  const summary = `${here.tables.length} tables, ${here.sequences} sequences; ${fence.summary}; about ${seconds(document.predictedOutageMs)} without a writer`
  return {
    digest: document.digest,
    epochs,
    fenceEpoch: fence.epoch,
    blocks,
    summary,
    predictedOutageMs: document.predictedOutageMs,
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const block = (what: string, message: string): Finding => ({ rule: `switchover:${what}`, message })

function blocksOfRecord({ state, reason, instances, look, declared }: StandbyRecord, { sides }: Input): Finding[] {
  const found: Finding[] = []
  if (state !== 'following') {
    found.push(block('state', `The standby is ${state}${reason === null ? '' : ` (${reason})`}, and has to be following.`))
  }
  if (instances.source !== sides.source.instanceId || instances.target !== sides.standby.instanceId) {
    found.push(
      block(
        'instances',
        'One of the instances is another one than the one that the standby was made with: remove the standby, then set it up again.',
      ),
    )
  }
  const lag = look?.lagMs ?? null
  if (lag === null)
    found.push(block('lag', 'How late the standby is has not been seen yet: wait for a look at it, then ask again.'))
  else if (lag > declared.lagMsMax)
    found.push(block('lag', `The standby is ${seconds(lag)} late and ${seconds(declared.lagMsMax)} are allowed.`))
  return found
}

function blocksOfEndpoint({ endpoint, sides }: Input): Finding[] {
  if (endpoint.at === null || samePlace(endpoint.at, sides.source)) return []
  const { host, port } = endpoint.at
  return [
    block(
      'endpoint',
      `The endpoint leads to ${host}:${port} and not to the source at ${sides.source.host}:${sides.source.port}: find out who moved it.`,
    ),
  ]
}

function warningsOf({ endpoint }: Input): Finding[] {
  if (endpoint.at !== null) return (endpoint.warnings ?? []).map((one) => block('endpoint', one))
  return [block('by-hand', `${endpoint.summary}; until then nobody writes, since the source is closed.`)]
}

interface Looked {
  readonly there: readonly Finding[]
  readonly here: { readonly tables: readonly string[]; readonly sequences: number }
}

async function lookAtBoth(deps: ActivityDeps, pair: Pair): Promise<Looked> {
  const { places, forward, request } = pair
  const { signal } = currentAct()
  const found = await looking(deps, places.source, 'admin', (source) =>
    looking(deps, places.standby, 'admin', async (standby) => {
      const [settings] = await standby.query<{ level: string }>(`SELECT current_setting('wal_level') AS level`)
      const level = settings?.level ?? 'unknown'
      const never = noWayBackTo(source)
      return [
        ...(await barrierObstacles({ source, standby, ...forward })).map((one) => block('barrier', one)),
        ...(await keepOutObstacles(standby, places.standby.entry.database)).map((one) => block('keep-out', one)),
        ...(await keepOutObstacles(source, places.source.entry.database)).map((one) => block('keep-out', one)),
        ...(never === null ? [] : [block('way-back', never)]),
        ...(level === 'logical'
          ? []
          : [block('way-back', `wal_level of the standby is ${level}, and has to be logical for the source to follow it.`)]),
      ]
    }),
  )
  if (request.back === null) {
    found.push(
      block(
        'way-back',
        'The fleet file does not say as whom the source follows the standby: give "wayBack" where the standby is declared.',
      ),
    )
  }
  return looking(deps, places.source, 'migrator', async (source) => {
    const differs = await looking(deps, places.standby, 'migrator', (standby) =>
      schemaDiffers({ source, standby }, { setAside: new Set(), signal }),
    )
    const schema = differs.map((one) => block('schema', `${one} differs between source and standby.`))
    const { sequences, hidden } = await readSequences(source)
    const { published: tables, missing } = await publishedTables(source, forward)
    const unpublished = missing.map((one) =>
      block('unpublished', `${one} was made since and does not go to the standby: capstan standby reseed --table ${one}.`),
    )
    return { there: [...found, ...schema, ...unpublished], here: { tables, sequences: sequences.length + hidden.length } }
  })
}

/** A keyhole has a row of its own, which may stand higher than that of the database. */
async function epochsOf(deps: ActivityDeps, { places }: Pair, { operation, locks }: Input): Promise<StandbyEpochs> {
  const above = async (side: SideName): Promise<number> => {
    const stands = await looking(deps, places[side], 'migrator', standingEpoch)
    const keyhole = side === 'source' ? null : await enterKeyhole(masterOf(deps, places.standby))
    const inKeyhole = keyhole === null ? 0 : await standingEpoch(keyhole).finally(() => keyhole.close())
    return epochAbove(deps, operation, locks?.[side] ?? null, Math.max(stands, inKeyhole))
  }
  return { source: await above('source'), standby: await above('standby') }
}
