/** What would be lost by a failover to a read replica, who has to agree, and what stands in the way. Reads only, and of the source nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  EXCHANGE_DOCUMENTS,
  type ExchangePlan,
  type ExchangePlanSummary,
  type TakeOverExposure,
  type TakeOverRequest,
} from '../../contracts/exchange'
import type { Probed } from '../../contracts/failover'
import type { Finding, IsoInstant } from '../../contracts/operation'
import { sha256Of } from '../../ledger/digest'
import type { Session } from '../../postgres/connect/session'
import { lastReplayed, leftBehind, type PhysicalSide, physicalSide, replaying } from '../../postgres/replicate/physical'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { lossMsMax } from '../failover/exposure'
import { allowedLoss, askedOfLoss, askedWhy, blocksOfProbes, seconds } from '../failover/plan'
import { writerElsewhere } from '../failover/writer-elsewhere'
import { looking } from '../replication/sides'
import type { ExchangeDataActivities } from './contract'
import { exchangePlaces } from './pair'
import { blocksOfEndpoint } from './plan'

type Input = Parameters<ExchangeDataActivities['planTakeOver']>[0]

interface Pair {
  readonly source: string
  readonly target: string
}

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
    return { replica: await physicalSide(session, signal), others, had: await allReplayed(session, signal) }
  })
  const exposure = exposureOf(seen.had, probed.declaredAt)
  const allowedLossMs = allowedLoss(source, request.standby, takeOver.acceptLossMs)
  const elsewhere = await writerElsewhere(deps.ledger, {
    ...{ source, at: sides.source, operation },
    beatAt: seen.had?.at ?? null,
  })
  const { lossMsMax: lost } = exposure
  // it has each block of its source, whatever is in it
  const asks = elsewhere.asks ?? askedWhy(takeOver, { probed, endpoint }, { lossMsMax: lost, allowedLossMs, leftBehind: null })
  const blocks = [
    ...blocksOfAnswers({ source: source.name, target: request.standby.name }, takeOver, probed),
    ...elsewhere.blocks,
    ...input.obstacles.map((message) => finding('cloud', message)),
    ...blocksOfReplica(input, seen),
    ...blocksOfEndpoint(input),
  ]
  const { althoughItAnswers, unfenced } = takeOver
  const decided = { althoughItAnswers, unfenced, allowedLossMs, asks }
  const lasting = {
    ...{ version: 1 as const, bundle, ...sides, act, why: WHY, endpointAt: endpoint.at, blocks },
    warnings: [...warningsOf(input, seen, takeOver), ...elsewhere.warnings],
  }
  const digest = sha256Of({ ...lasting, ...decided, verdict: probed.verdict, exposure })
  const document: ExchangePlan = { ...lasting, digest, lagBytes: null, takeOver: { ...decided, probed, exposure } }
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: EXCHANGE_DOCUMENTS.plan, document })
  return { digest, epoch: 0, blocks, summary: summaryOf(document, exposure), asks, lossMsMax: lost }
}

/** What serves is not given up, whoever asks for it: nothing of it would be drained, and its cloud exchanges both. Pure. */
export function blocksOfAnswers(id: Pair, takeOver: TakeOverRequest, probed: Probed): Finding[] {
  if (probed.verdict !== 'healthy') return blocksOfProbes({ id, request: takeOver }, { probed })
  const met = probed.probes.map(({ from, outcome, said }) => `${from}: ${outcome}, ${said}`).join('; ')
  const message = `The source serves (${met}), and what the replica lacks would be lost. Have its cloud exchange both, by which nothing is: "capstan switchover ${id.source} --to ${id.target}".`
  return [{ rule: 'failover:answers', message }]
}

const LOOK_EVERY_MS = 100
/** What replays nothing for so long has no more that is whole, or waits for its readers: what it has by then counts. */
const STANDS_MS = 1_000
const REPLAY_MS = 30_000

/** What it has received counts once it is replayed, and only then does it move no more. */
async function allReplayed(session: Session, signal: AbortSignal): Promise<TakeOverExposure['had']> {
  const began = performance.now()
  let moved = { lsn: null as string | null, at: began }
  for (;;) {
    const { lsn, isAll } = await replaying(session, signal)
    const now = performance.now()
    if (isAll || now - began > REPLAY_MS) break
    if (lsn !== moved.lsn) moved = { lsn, at: now }
    else if (now - moved.at > STANDS_MS) break
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
  return lastReplayed(session, signal)
}

const WHY =
  'The source is given up, and asked nothing: what the replica has received is all there is, with every database, role and sequence of the instance'

/** By the source's clock, of which nobody is told how it goes: one that is later than ours says that nobody knows, and never that nothing is lost. */
function exposureOf(had: TakeOverExposure['had'], until: IsoInstant): TakeOverExposure {
  return { had, lossMsMax: lossMsMax(had, until, undefined) }
}

/** What was declared dead may have taken writes until it was proven fenced. An approval covers that, an allowance may not; of one that was only ill, an approval covers what it was told of. */
export async function stateTakeOver(
  deps: ActivityDeps,
  input: Parameters<ExchangeDataActivities['stateTakeOver']>[0],
): Promise<ExchangePlanSummary> {
  const { operation, fencedAt, isProven, agreed } = input
  const { places } = await exchangePlaces(deps, input)
  const { plan: name } = EXCHANGE_DOCUMENTS
  const plan = (await deps.ledger.getDocument({ operation, name })) as ExchangePlan | null
  if (plan?.takeOver === undefined) throw new Error('there is no plan whose loss could be stated anew')
  const { signal } = currentAct()
  const had = await looking(deps, places.standby, 'migrator', (session) => allReplayed(session, signal))
  const stated = statedAnew({ ...plan, takeOver: plan.takeOver }, had, input)
  const { asks, exposure } = stated.takeOver
  if (asks !== null) {
    assertMayAct()
    await deps.ledger.putDocument({ operation, name, document: stated })
  }
  const covered = asks !== null ? '' : agreed === null ? ', as was allowed beforehand' : ', which the approval covers'
  const summary = `${isProven ? 'proven fenced at' : 'not proven fenced by'} ${fencedAt}: ${lostBy(exposure)}${covered}`
  return { digest: stated.digest, epoch: 0, blocks: stated.blocks, summary, asks }
}

type TakingOver = ExchangePlan & Pick<Required<ExchangePlan>, 'takeOver'>
type Behind = Pick<Parameters<ExchangeDataActivities['stateTakeOver']>[0], 'fencedAt' | 'isProven' | 'agreed'>

/** Its digest covers the newest commit and the moment, neither of which moves any more. Pure. */
export function statedAnew(plan: TakingOver, had: TakeOverExposure['had'], { fencedAt, isProven, agreed }: Behind): TakingOver {
  const { allowedLossMs, probed } = plan.takeOver
  const exposure = exposureOf(had, fencedAt)
  const covers = agreed !== null && (probed.verdict === 'dead' || !isProven)
  const beyond = covers ? null : beyondOf(exposure.lossMsMax, allowedLossMs, agreed)
  const asks = beyond === null ? null : `${beyond}: the source was proven fenced no sooner than ${fencedAt}`
  const lasting = { ...plan, takeOver: { ...plan.takeOver, exposure, asks, fencedAt }, digest: '' }
  return { ...lasting, digest: sha256Of(lasting) }
}

/** Null: so much was allowed, or somebody has agreed to it. */
function beyondOf(lossMsMax: number | null, allowedLossMs: number | null, agreed: Behind['agreed']): string | null {
  const beyond = askedOfLoss({ lossMsMax, allowedLossMs })
  if (agreed === null || beyond === null) return beyond
  if (agreed.lossMsMax === null || (lossMsMax !== null && lossMsMax <= agreed.lossMsMax)) return null
  return `${lostBy({ lossMsMax })}, and ${seconds(agreed.lossMsMax)} were approved`
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

function lostBy({ lossMsMax }: Pick<TakeOverExposure, 'lossMsMax'>): string {
  return lossMsMax === null ? 'nobody knows what may be lost' : `up to ${seconds(lossMsMax)} of writes may be lost`
}

function summaryOf({ act, blocks, source, standby }: ExchangePlan, exposure: TakeOverExposure): string {
  if (blocks.length > 0) return `${blocks.length} in the way`
  return `by ${act.called}: ${standby.instance} takes over from ${source.instance}; ${lostBy(exposure)}`
}
