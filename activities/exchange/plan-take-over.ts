/** What would be lost by a failover to a read replica, who has to agree, and what stands in the way. Reads only, and of the source nothing. */
import { samePlace } from '../../contracts/endpoint'
import {
  EXCHANGE_DOCUMENTS,
  type ExchangePlan,
  type ExchangePlanSummary,
  type TakeOverExposure,
  type TakeOverRequest,
} from '../../contracts/exchange'
import type { Finding, IsoInstant } from '../../contracts/operation'
import { sha256Of } from '../../ledger/digest'
import { lastReplayed, leftBehind, type PhysicalSide, physicalSide } from '../../postgres/replicate/physical'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { lossMsMax } from '../failover/exposure'
import { allowedLoss, askedOfLoss, askedWhy, blocksOfProbes, seconds } from '../failover/plan'
import { looking } from '../replication/sides'
import type { ExchangeDataActivities } from './contract'
import { exchangePlaces } from './pair'

type Input = Parameters<ExchangeDataActivities['planTakeOver']>[0]

interface Seen extends Pick<TakeOverExposure, 'had'> {
  readonly replica: PhysicalSide
  /** The other databases of the instance. */
  readonly others: readonly string[]
}

export async function planTakeOver(deps: ActivityDeps, input: Input): Promise<ExchangePlanSummary> {
  const { operation, bundle, sides, act, endpoint, probed } = input
  const { source, request, places } = await exchangePlaces(deps, input)
  const { takeOver } = request
  if (takeOver === undefined) throw new Error('the bundle does not say that the source is to be given up')
  const { signal } = currentAct()
  const seen = await looking(deps, places.standby, 'migrator', async (session): Promise<Seen> => {
    const { others } = await leftBehind(session, signal)
    return { replica: await physicalSide(session, signal), others, had: await lastReplayed(session, signal) }
  })
  const exposure = exposureOf(seen.had, probed.declaredAt)
  const allowedLossMs = allowedLoss(source, request.standby, takeOver.acceptLossMs)
  // it has each block of its source, whatever is in it
  const asks = askedWhy(takeOver, { probed, endpoint }, { lossMsMax: exposure.lossMsMax, allowedLossMs, leftBehind: null })
  const blocks = [
    ...blocksOfProbes({ id: { source: source.name, target: request.standby.name }, request: takeOver }, { probed }),
    ...input.obstacles.map((message) => finding('cloud', message)),
    ...blocksOfReplica(input, seen),
    ...blocksOfEndpoint(input),
  ]
  const { althoughItAnswers, unfenced } = takeOver
  const decided = { althoughItAnswers, unfenced, allowedLossMs, asks }
  const lasting = {
    ...{ version: 1 as const, bundle, ...sides, act, why: WHY, endpointAt: endpoint.at, blocks },
    warnings: warningsOf(input, seen, takeOver),
  }
  // of one that lives what the replica has moves on all the time
  const had = probed.verdict === 'healthy' ? null : seen.had
  const digest = sha256Of({ ...lasting, ...decided, verdict: probed.verdict, had })
  const document: ExchangePlan = { ...lasting, digest, lagBytes: null, takeOver: { ...decided, probed, exposure } }
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: EXCHANGE_DOCUMENTS.plan, document })
  return { digest, epoch: 0, blocks, summary: summaryOf(document, exposure), asks }
}

const WHY =
  'The source is given up, and asked nothing: what the replica has received is all there is, with every database, role and sequence of the instance'

/** By the source's clock, of which nobody is told how it goes: one that is later than ours says that nobody knows, and never that nothing is lost. */
function exposureOf(had: TakeOverExposure['had'], until: IsoInstant): TakeOverExposure {
  return { had, lossMsMax: lossMsMax(had, until, undefined) }
}

/** What was declared dead may have taken writes until it was proven fenced. An approval covers that, an allowance may not. */
export async function stateTakeOver(
  deps: ActivityDeps,
  input: Parameters<ExchangeDataActivities['stateTakeOver']>[0],
): Promise<ExchangePlanSummary> {
  const { operation, fencedAt } = input
  const { places } = await exchangePlaces(deps, input)
  const { plan: name } = EXCHANGE_DOCUMENTS
  const plan = (await deps.ledger.getDocument({ operation, name })) as ExchangePlan | null
  if (plan?.takeOver === undefined) throw new Error('there is no plan whose loss could be stated anew')
  const { signal } = currentAct()
  const had = await looking(deps, places.standby, 'migrator', (session) => lastReplayed(session, signal))
  const stated = statedAnew({ ...plan, takeOver: plan.takeOver }, had, fencedAt)
  const { asks, exposure } = stated.takeOver
  if (asks !== null) {
    assertMayAct()
    await deps.ledger.putDocument({ operation, name, document: stated })
  }
  const allowed = asks === null ? ', as was allowed beforehand' : ''
  const summary = `proven fenced at ${fencedAt}: ${lostBy(exposure)}${allowed}`
  return { digest: stated.digest, epoch: 0, blocks: stated.blocks, summary, asks }
}

type TakingOver = ExchangePlan & Pick<Required<ExchangePlan>, 'takeOver'>

/** Its digest covers the newest commit and the moment, neither of which moves any more. Pure. */
export function statedAnew(plan: TakingOver, had: TakeOverExposure['had'], fencedAt: IsoInstant): TakingOver {
  const { allowedLossMs } = plan.takeOver
  const exposure = exposureOf(had, fencedAt)
  const beyond = askedOfLoss({ lossMsMax: exposure.lossMsMax, allowedLossMs })
  const asks = beyond === null ? null : `${beyond}: the source was proven fenced no sooner than ${fencedAt}`
  const lasting = { ...plan, takeOver: { ...plan.takeOver, exposure, asks, fencedAt }, digest: '' }
  return { ...lasting, digest: sha256Of(lasting) }
}

const finding = (what: string, message: string): Finding => ({ rule: `exchange:${what}`, message })

function blocksOfReplica({ sides: { standby } }: Input, { replica }: Seen): Finding[] {
  if (replica.replays) return []
  return [
    finding(
      'role',
      `${standby.instance} takes writes itself: it is no replica, and whoever led applications there would have two truths.`,
    ),
  ]
}

function blocksOfEndpoint({ endpoint, sides: { source } }: Input): Finding[] {
  if (endpoint.at === null || samePlace(endpoint.at, source)) return []
  const { host, port } = endpoint.at
  return [
    finding(
      'endpoint',
      `The endpoint leads to ${host}:${port} and not to the source at ${source.host}:${source.port}: find out who moved it.`,
    ),
  ]
}

function warningsOf({ sides: { source, standby }, endpoint }: Input, { others }: Seen, { unfenced }: TakeOverRequest): Finding[] {
  return [
    finding(
      'fence',
      `The whole instance ${source.instance} is closed by its cloud to all but the control plane, and stopped where its cloud stops one that has a replica. It stays so: its cloud makes it a replica of ${standby.instance} once it can, and "capstan fence lift" opens it.`,
    ),
    ...(others.length === 0
      ? []
      : [
          finding(
            'whole',
            `Its other databases go along: ${others.join(', ')}. Who uses them has to be led to the new writer as well.`,
          ),
        ]),
    ...(unfenced === null
      ? []
      : [
          finding(
            'unfenced',
            `${standby.instance} is promoted even if nobody can prove that ${source.instance} takes no writes: whoever still reaches it writes what is lost here. The reason that was given: ${unfenced}`,
          ),
        ]),
    ...(endpoint.silent
      ? [
          finding(
            'endpoint-silent',
            'The endpoint, or a part of it, did not say where it leads. A person is asked for what is not reached later.',
          ),
        ]
      : []),
  ]
}

function lostBy({ lossMsMax }: TakeOverExposure): string {
  return lossMsMax === null ? 'nobody knows what may be lost' : `up to ${seconds(lossMsMax)} of writes may be lost`
}

function summaryOf({ act, blocks, source, standby }: ExchangePlan, exposure: TakeOverExposure): string {
  if (blocks.length > 0) return `${blocks.length} in the way`
  return `by ${act.called}: ${standby.instance} takes over from ${source.instance}; ${lostBy(exposure)}`
}
