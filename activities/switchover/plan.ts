/** Whether writing can move, as both sides, the ledger and the endpoint say. Reads only. */
import { setTimeout as sleep } from 'node:timers/promises'
import { samePlace } from '../../contracts/endpoint'
import { failure } from '../../contracts/failures'
import type { Finding } from '../../contracts/operation'
import type { StandbyEpochs } from '../../contracts/replicate'
import { rowsDiffering } from '../../contracts/rows-differing'
import type { StandbyRecord } from '../../contracts/standby'
import { SWITCHOVER_DOCUMENTS, type SwitchoverPlan, type SwitchoverPlanSummary } from '../../contracts/switchover'
import { sha256Of } from '../../ledger/digest'
import { enterKeyhole } from '../../postgres/fence/keyhole'
import { standingEpoch } from '../../postgres/migrate/fence'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { masterOf } from '../replication/keyhole'
import { writeMade } from '../replication/made'
import { isOldWriter, markOn } from '../replication/old-writer'
import { standing } from '../replication/record'
import { looking, type SideName } from '../replication/sides'
import { epochAbove } from '../schema/epoch'
import type { SwitchoverActivities } from './contract'
import { turnedId } from './directions'
import { holdOf } from './hold'
import { found, lookAtBoth, PASSING } from './look'
import { type Pair, pairOf } from './pair'

type Input = Parameters<SwitchoverActivities['planSwitchover']>[0]

/** From the fence to the way back: what it took on one machine with four writers, docs/decisions/0028. */
const CROSSING_MS = 1_500

/** A few looks of the watch. */
const LOOKED_WITHIN_MS = 15_000

export async function planSwitchover(deps: ActivityDeps, input: Input): Promise<SwitchoverPlanSummary> {
  const { operation, sides, fence, endpoint, bundle } = input
  const pair = await pairOf(deps, input)
  const turned = await deps.ledger.getStandby(turnedId(pair.id))
  const record = await seenOnBothSides(deps, pair)
  const mark = await markOn(deps, pair.places.source)
  if (mark !== null && mark.operation !== operation) {
    throw failure('DATABASE_REFUSED', isOldWriter(pair.places.source, mark), { source: pair.id.source, writer: mark.writer })
  }
  const look = await lookAtBoth(deps, pair)
  const blocks = [
    ...blocksOfRecord(record, input),
    ...blocksOfTurned(turned),
    ...blocksOfEndpoint(input),
    ...fence.obstacles.map((one) => found('fence', one)),
    ...look.blocks,
  ]
  const lagMs = record.look?.lagMs ?? null
  const hold = holdOf(input.pause, pair.request.drainMsMax + pair.request.compareMsMax)
  const { holds } = hold
  const lasting = {
    ...{ version: 1 as const, bundle, ...sides, names: pair.forward, back: pair.back },
    ...oneWayOf(pair, look.never),
    ...{ endpointAt: endpoint.at, holds, closes: fence.databases },
    ...{ tables: look.tables.length, sequences: look.sequences.length, unlogged: look.unlogged, views: look.views },
    objects: sha256Of({ tables: [...look.tables].sort(), sequences: look.sequences }),
    ...{ blocks, warnings: [...warningsOf(input), ...look.warnings, ...hold.warnings] },
  } as const
  const moving = { fence: fence.summary, lagMs, predictedOutageMs: CROSSING_MS + (lagMs ?? 0) + pair.request.compareMsMax }
  // what is no part of what is approved: it comes and goes, as a login does
  const told = lasting.warnings.filter(({ rule }) => !PASSING.includes(rule))
  const document: SwitchoverPlan = { ...lasting, ...moving, digest: sha256Of({ ...lasting, warnings: told }) }
  const epochs = await epochsOf(deps, pair, input)
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: SWITCHOVER_DOCUMENTS.plan, document })
  if (input.locks !== null) await writeMade(deps, operation, { version: 1, ...pair.id, names: pair.forward, tables: look.tables })
  const summary = `${look.tables.length} tables, ${look.sequences.length} sequences; ${fence.summary}; about ${seconds(document.predictedOutageMs)} without a writer${pair.oneWay ? `; no way back: ${pair.request.oneWay}` : ''}`
  return {
    digest: document.digest,
    epochs,
    fenceEpoch: fence.epoch,
    blocks,
    summary,
    predictedOutageMs: document.predictedOutageMs,
    holds,
    views: look.views,
  }
}

/** Absent where it is refused anyway. */
function oneWayOf({ request: { oneWay: reason } }: Pair, because: string | null): Pick<SwitchoverPlan, 'oneWay'> {
  return reason === undefined || because === null ? {} : { oneWay: { because, reason } }
}

/** A look that found a side gone for a moment, as after a fence that has just been lifted, says nothing of how late the standby is; the next one does. */
async function seenOnBothSides(deps: ActivityDeps, { id }: Pair): Promise<StandbyRecord> {
  for (const until = performance.now() + LOOKED_WITHIN_MS; ; ) {
    const record = await standing(deps, id)
    if (record.state !== 'following' || record.look?.lagMs != null || performance.now() > until) return record
    await sleep(500, undefined, { signal: currentAct().signal })
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

function blocksOfRecord(record: StandbyRecord, { sides }: Input): Finding[] {
  const { state, reason, instances, look, declared } = record
  const differing = rowsDiffering(record)
  const blocks: Finding[] = differing === null ? [] : [found('rows-differ', differing)]
  if (state !== 'following') {
    blocks.push(found('state', `The standby is ${state}${reason === null ? '' : ` (${reason})`}, and has to be following.`))
  }
  if (instances.source !== sides.source.instanceId || instances.target !== sides.standby.instanceId) {
    blocks.push(
      found(
        'instances',
        'One of the instances is another one than the one that the standby was made with: remove the standby, then set it up again.',
      ),
    )
  }
  const lag = look?.lagMs ?? null
  if (lag === null)
    blocks.push(found('lag', 'How late the standby is has not been seen yet: wait for a look at it, then ask again.'))
  else if (lag > declared.lagMsMax)
    blocks.push(found('lag', `The standby is ${seconds(lag)} late and ${seconds(declared.lagMsMax)} are allowed.`))
  return blocks
}

/** What would stand where the way back is made. One that an operation was ended in amid is made anew. */
function blocksOfTurned(turned: StandbyRecord | null): Finding[] {
  if (turned === null || turned.state === 'gone' || turned.state === 'switching') return []
  const { source, target, state } = turned
  const message = `The ledger has ${target} as a standby of ${source} too, which is ${state}: look which of both is the writer, then "capstan standby remove" what is none.`
  return [found('both-ways', message)]
}

function blocksOfEndpoint({ endpoint, sides }: Input): Finding[] {
  if (endpoint.at === null || samePlace(endpoint.at, sides.source)) return []
  const { host, port } = endpoint.at
  return [
    found(
      'endpoint',
      `The endpoint leads to ${host}:${port} and not to the source at ${sides.source.host}:${sides.source.port}: find out who moved it.`,
    ),
  ]
}

function warningsOf({ endpoint }: Input): Finding[] {
  if (endpoint.at !== null) return (endpoint.warnings ?? []).map((one) => found('endpoint', one))
  return [found('by-hand', `${endpoint.summary}; until then nobody writes, since the source is closed.`)]
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
