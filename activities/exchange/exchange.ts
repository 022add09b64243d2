/** The cloud's part of an exchange. Nothing of it is taken back: once it is told, a cloud cannot be told to stop. What it was told of is written down first, so that
 *  whoever comes later, a workflow that was set back too, adopts it. */
import type { InstanceDescription, ManagedPostgres } from '../../clouds/port'
import { EXCHANGE_DOCUMENTS, type ExchangeEnd } from '../../contracts/exchange'
import { Failure, failure } from '../../contracts/failures'
import type { StandbySides } from '../../contracts/replicate'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { addressOf } from '../instance/address'
import { rememberOnce } from '../remember'
import { findTarget } from '../target'
import { atOurPace, notReadyYet } from '../waiting'
import type { ExchangeActivities } from './contract'
import { type ExchangeEntries, exchangeEntries } from './pair'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>

interface Begun {
  readonly version: 1
  readonly mark: string
}

interface AskedOf {
  readonly version: 1
  /** Null: the cloud has no name for it, or had begun before. */
  readonly operation: string | null
}

export function createExchangeActivities(deps: Deps): ExchangeActivities {
  return {
    lookAtBoth: ({ bundle }) => lookAtBoth(deps, bundle),
    lookAtGivenUp: (input) => lookAtGivenUp(deps, input),
    beginExchange: (input) => beginExchange(deps, input),
    awaitExchange: (input) => awaitExchange(deps, input),
    rolesNow: (input) => rolesNow(deps, input),
  }
}

async function lookAtBoth(deps: Deps, bundle: string) {
  const options = { signal: currentAct().signal }
  const { source, request } = await exchangeEntries(deps, { bundle })
  const cloud = deps.cloudOf(source)
  const found = {
    source: addressOf(await findTarget(deps.cloudOf, source, options, 'either')),
    standby: addressOf(await findTarget(deps.cloudOf, request.standby, options, 'either')),
  }
  const { obstacles, byHand, afterwards: later } = await cloud.exchangeObstacles(instancesOf(found), options)
  const sides = {
    source: { ...found.source, ...(later?.source && { afterwards: later.source }) },
    standby: { ...found.standby, ...(later && { afterwards: later.replica }) },
  }
  return { sides, obstacles, act: { called: cloud.capabilities.roleExchange ?? '', byHand } }
}

async function lookAtGivenUp(deps: Deps, { bundle, source }: Parameters<ExchangeActivities['lookAtGivenUp']>[0]) {
  const options = { signal: currentAct().signal }
  const { request } = await exchangeEntries(deps, { bundle })
  const cloud = deps.cloudOf(request.standby)
  const standby = addressOf(await findTarget(deps.cloudOf, request.standby, options, 'either'))
  const both = { ...instancesOf({ source, standby }), losing: true } as const
  const { obstacles, byHand, afterwards: later } = await cloud.exchangeObstacles(both, options)
  const sides = { source, standby: { ...standby, ...(later && { afterwards: later.replica }) } }
  return { sides, obstacles, act: { called: cloud.capabilities.failover ?? '', byHand } }
}

/** Whose API is asked: of a source that is given up, the replica's, since the other's may be gone with it. */
function actingFor(deps: Deps, { source, request }: ExchangeEntries): ManagedPostgres {
  return deps.cloudOf(request.takeOver === undefined ? source : request.standby)
}

function instancesOf({ source, standby }: StandbySides) {
  return {
    source: { name: source.instance, instanceId: source.instanceId },
    replica: { name: standby.instance, instanceId: standby.instanceId },
  }
}

async function beginExchange(
  deps: Deps,
  { operation, bundle, sides }: Parameters<ExchangeActivities['beginExchange']>[0],
): Promise<{ refused: string | null }> {
  const { ledger } = deps
  const entries = await exchangeEntries(deps, { bundle })
  const cloud = actingFor(deps, entries)
  const options = changing()
  if ((await ledger.getDocument({ operation, name: EXCHANGE_DOCUMENTS.asked })) !== null) return { refused: null }
  const both = { ...instancesOf(sides), ...(entries.request.takeOver && { losing: true as const }) }
  // an attempt before may have told the cloud, and lost its answer
  const told = (await ledger.getDocument({ operation, name: EXCHANGE_DOCUMENTS.begun })) !== null
  const { mark } = await rememberOnce(ledger, { operation, name: EXCHANGE_DOCUMENTS.begun }, async (): Promise<Begun> => {
    return { version: 1, mark: (await cloud.exchangeObstacles(both, options)).mark }
  })
  try {
    const { operation: called } = await atOurPace(cloud.startExchange({ ...both, mark }, options))
    const document: AskedOf = { version: 1, operation: called }
    await ledger.putDocumentOnce({ operation, name: EXCHANGE_DOCUMENTS.asked, document })
    return { refused: null }
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'CLOUD_REFUSED') throw error
    if (told)
      throw notReadyYet(
        'What an attempt before may have begun',
        `not to be seen, and the cloud refuses another: ${error.message}`,
      )
    return { refused: error.message }
  }
}

/** The roles say most; the cloud's own record says why they are as they were. */
async function awaitExchange(
  deps: Deps,
  { operation, bundle, sides }: Parameters<ExchangeActivities['awaitExchange']>[0],
): Promise<Awaited<ReturnType<ExchangeActivities['awaitExchange']>>> {
  const entries = await exchangeEntries(deps, { bundle })
  const { source, request } = entries
  const cloud = actingFor(deps, entries)
  const asked = (await deps.ledger.getDocument({ operation, name: EXCHANGE_DOCUMENTS.asked })) as AskedOf | null
  if (asked === null) throw new Error('the cloud was not told to exchange anything')
  const said = await saidOf(cloud, asked.operation)
  if (said.state === 'failed') return { outcome: 'stayed', summary: said.message ?? 'the cloud does not say why' }
  if (said.state === 'running')
    throw notReadyYet(`The exchange of ${sides.source.instance} and ${sides.standby.instance}`, 'going on')
  const writer = await describedOf(deps.cloudOf(request.standby), sides.standby)
  if (request.takeOver !== undefined) return ofReplica(writer, said.state === 'unknown')
  const follower = await describedOf(deps.cloudOf(source), sides.source)
  if (writer.replicaOf !== null || follower.replicaOf !== writer.name) {
    if (said.state === 'unknown' && writer.state === 'ready' && follower.state === 'ready' && writer.replicaOf !== null)
      return { outcome: 'stayed', summary: `${follower.name} and ${writer.name} are ready, and what they were before` }
    throw notReadyYet(
      `Instance ${writer.name}`,
      `still ${writer.replicaOf === null ? writer.cloudState : `a replica of ${writer.replicaOf}`}`,
    )
  }
  if (writer.state !== 'ready') throw notReadyYet(`Instance ${writer.name}`, writer.cloudState)
  return {
    outcome: 'exchanged',
    summary: `${cloud.capabilities.roleExchange}: ${writer.name} is the primary, ${follower.name} its replica`,
  }
}

/** Of a source that is given up, which may say whatever it says: its cloud makes a replica of it once it can. */
function ofReplica(
  replica: Pick<InstanceDescription, 'name' | 'replicaOf' | 'state' | 'cloudState'>,
  mayHaveStayed: boolean,
): ExchangeEnd {
  const { name, replicaOf, state, cloudState } = replica
  if (state !== 'ready') throw notReadyYet(`Instance ${name}`, cloudState)
  if (replicaOf === null) return { outcome: 'exchanged', summary: `${name} is a primary` }
  if (mayHaveStayed) return { outcome: 'stayed', summary: `${name} is ready, and a replica of ${replicaOf} as before` }
  throw notReadyYet(`Instance ${name}`, `still a replica of ${replicaOf}`)
}

/** By roles alone: a person, too, may have exchanged both since, or back again. */
async function rolesNow(
  deps: Deps,
  { operation, bundle, sides }: Parameters<ExchangeActivities['rolesNow']>[0],
): Promise<Awaited<ReturnType<ExchangeActivities['rolesNow']>>> {
  const entries = await exchangeEntries(deps, { bundle })
  const { source: entry, request } = entries
  const cloud = actingFor(deps, entries)
  const [source, standby] = [sides.source.instance, sides.standby.instance]
  const asked = (await deps.ledger.getDocument({ operation, name: EXCHANGE_DOCUMENTS.asked })) as AskedOf | null
  if ((await saidOf(cloud, asked?.operation ?? null)).state === 'running')
    throw notReadyYet(`The exchange of ${source} and ${standby}`, 'going on')
  if (request.takeOver !== undefined) return ofReplica(await describedOf(deps.cloudOf(request.standby), sides.standby), true)
  const [old, next] = [
    await foundOf(deps.cloudOf(entry), sides.source),
    await foundOf(deps.cloudOf(request.standby), sides.standby),
  ]
  // how the old writer is doing matters to nobody, nor whether it is there: it is the new one who comes to be believed
  if (next?.replicaOf === null && (old === null || old.replicaOf === standby)) {
    if (next.state !== 'ready') throw notReadyYet(`Instance ${standby}`, next.cloudState)
    return { outcome: 'exchanged', summary: `${standby} is the primary, ${source} ${old === null ? GONE : 'its replica'}` }
  }
  if (old?.replicaOf === null && (next === null || next.replicaOf === source)) {
    if (old.state !== 'ready') throw notReadyYet(`Instance ${source}`, old.cloudState)
    // it may be on its way to be the writer
    if (next?.state === 'changing') throw notReadyYet(`Instance ${standby}`, next.cloudState)
    return { outcome: 'stayed', summary: `${source} is the primary, ${standby} ${next === null ? GONE : 'its replica'}` }
  }
  throw notReadyYet(`Which of ${source} and ${standby} is the other’s replica`, 'not said by the cloud')
}

const GONE = 'is gone, or another instance of its name'

type Said = { readonly state: 'running' | 'done' | 'failed' | 'unknown'; readonly message: string | null }

async function saidOf(cloud: ManagedPostgres, operation: string | null): Promise<Said> {
  if (operation === null) return { state: 'unknown', message: null }
  return cloud.describeOperation({ operation }, { signal: currentAct().signal })
}

/** Null: it is gone, or another one of its name. */
async function foundOf(cloud: ManagedPostgres, { instance, instanceId }: StandbySides['source']) {
  const found = await cloud.describeInstance({ name: instance }, { signal: currentAct().signal })
  return found?.instanceId === instanceId ? found : null
}

async function describedOf(cloud: ManagedPostgres, side: StandbySides['source']) {
  const found = await foundOf(cloud, side)
  if (found !== null) return found
  const { instance } = side
  const message = `Instance ${instance} is another one than it was, or gone: it was exchanged by somebody else. See who writes.`
  throw failure('TARGET_MISMATCH', message, { instance })
}
