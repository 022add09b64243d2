/** The cloud's part of an upgrade. Until it is told to switch over all of it can be taken back; from then on it takes it back by itself, or not. What it was told of is
 *  written down first, so that whoever comes later, a workflow that was set back too, adopts it. */
import type { BlueGreen, Deployment } from '../../clouds/blue-green-port'
import type { CallOptions, InstanceDescription } from '../../clouds/port'
import { Failure, failure } from '../../contracts/failures'
import type { InstanceAddress } from '../../contracts/migrate'
import type { StepRef } from '../../contracts/step-ref'
import { type CloudOfBlue, type Green, type PlacesNow, type SwitchEnd, UPGRADE_DOCUMENTS } from '../../contracts/upgrade'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { addressOf, knownAddress } from '../instance/address'
import { rememberOnce } from '../remember'
import { notes } from '../replication/notes'
import { findTarget } from '../target'
import { atOurPace, notListed, notReadyYet } from '../waiting'
import type { BlueAndGreen, UpgradeActivities } from './contract'
import { ownDeployment, upgradingOf } from './pair'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>

const DEPLOYMENT = 'The blue/green deployment'

/** A cloud may show for a moment what was there before it accepted a call. */
const SHOWN_LATE_ATTEMPTS = 6

export function createUpgradeActivities(deps: Deps): UpgradeActivities {
  return {
    lookAtBlue: (input) => lookAtBlue(deps, input),
    startGreen: (input) => startGreen(deps, input),
    awaitGreen: (input) => awaitGreen(deps, input),
    beginSwitch: (input) => beginSwitch(deps, input),
    awaitSwitch: (input) => awaitSwitch(deps, input),
    placesNow: (input) => placesNow(deps, input),
    removeDeployment: (input) => removeDeployment(deps, input),
  }
}

const looking = (): CallOptions => ({ signal: currentAct().signal })

async function adapterOf(deps: Deps, { bundle }: Pick<StepRef, 'bundle'>) {
  const { entry, request } = await upgradingOf(deps, { bundle })
  const cloud = deps.cloudOf(entry)
  return { entry, request, cloud, blueGreen: cloud.blueGreen }
}

async function ableTo(deps: Deps, input: Pick<StepRef, 'bundle'>) {
  const adapter = await adapterOf(deps, input)
  const { blueGreen, entry } = adapter
  if (blueGreen === null) throw new Error(`${entry.cloud} makes no blue/green deployment: a plan that says so goes no further`)
  return { ...adapter, blueGreen }
}

async function lookAtBlue(deps: Deps, input: StepRef): Promise<CloudOfBlue> {
  const { entry, request, blueGreen } = await adapterOf(deps, input)
  const blue = addressOf(await findTarget(deps.cloudOf, entry, looking()))
  const major = request.engineVersion !== null && majorOf(request.engineVersion) !== majorOf(blue.engineVersion)
  if (blueGreen === null) return { blue, obstacles: [], called: null, byHand: [], major }
  const source = { name: blue.instance, instanceId: blue.instanceId }
  const { obstacles, byHand } = await blueGreen.obstacles({ source, wanted: request }, looking())
  return { blue, obstacles, byHand, called: blueGreen.called, major }
}

const majorOf = (version: string): number => Number.parseInt(version, 10)

async function startGreen(deps: Deps, input: StepRef & { blue: InstanceAddress }): Promise<void> {
  const { blueGreen, request } = await ableTo(deps, input)
  const source = { name: input.blue.instance, instanceId: input.blue.instanceId }
  await atOurPace(blueGreen.start({ ...ownDeployment(input), source, wanted: request }, changing()))
}

async function describe(blueGreen: BlueGreen, input: Pick<StepRef, 'operation'>): Promise<Deployment> {
  const found = await blueGreen.describe(ownDeployment(input), looking())
  if (found === null) throw notListed(DEPLOYMENT)
  return found
}

async function awaitGreen(deps: Deps, input: StepRef): Promise<Green> {
  const { blueGreen, cloud } = await ableTo(deps, input)
  const { operation } = input
  const found = await describe(blueGreen, input)
  if (found.state === 'broken' || found.state === 'removing')
    throw failure('RESOURCE_FAILED', `${DEPLOYMENT} is ${found.cloudState}: green will not be there.`, { deployment: found.id })
  if (found.state === 'making' || found.green === null) {
    const progress = notes(deps, input)
    progress.tell(`the cloud makes green${found.progress === '' ? '' : `, ${found.progress}`}`)
    await progress.settle()
    throw notReadyYet(DEPLOYMENT, found.cloudState)
  }
  const green = await cloud.describeInstance({ name: found.green }, looking())
  if (green === null) throw notListed(`Instance ${found.green}`)
  const address = addressOf(green)
  await deps.ledger.putDocumentOnce({
    operation,
    name: UPGRADE_DOCUMENTS.green,
    document: { version: 1, deployment: found.id, green: address },
  })
  return { address, summary: `${address.instance} is there, PostgreSQL ${address.engineVersion}, in deployment ${found.id}` }
}

async function beginSwitch(deps: Deps, input: StepRef): Promise<{ refused: string | null }> {
  const { operation } = input
  const { ledger } = deps
  const { blueGreen, request } = await ableTo(deps, input)
  const options = changing()
  if ((await ledger.getDocument({ operation, name: UPGRADE_DOCUMENTS.asked })) !== null) return { refused: null }
  // an attempt before may have told the cloud, and lost its answer
  const told = (await ledger.getDocument({ operation, name: UPGRADE_DOCUMENTS.begun })) !== null
  await rememberOnce(ledger, { operation, name: UPGRADE_DOCUMENTS.begun }, async () => ({ version: 1 }))
  try {
    // what came to nothing is an end, and not begun anew
    const ended = told && (await blueGreen.describe(ownDeployment(input), options))?.state === 'stayed'
    if (!ended)
      await atOurPace(blueGreen.startSwitchover({ ...ownDeployment(input), secondsMax: request.switchSecondsMax }, options))
    await ledger.putDocumentOnce({ operation, name: UPGRADE_DOCUMENTS.asked, document: { version: 1 } })
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

async function awaitSwitch(deps: Deps, input: BlueAndGreen): Promise<SwitchEnd> {
  const { blueGreen } = await ableTo(deps, input)
  const found = await describe(blueGreen, input)
  // one that was taken back is ready again
  const isBack = found.state === 'ready' && currentAct().attempt >= SHOWN_LATE_ATTEMPTS
  if (found.state === 'stayed' || found.state === 'broken' || isBack)
    return { outcome: 'stayed', summary: `${blueGreen.called}: ${found.cloudState}` }
  if (found.state !== 'switched') throw notReadyYet(DEPLOYMENT, found.cloudState)
  return { outcome: 'switched', summary: `${blueGreen.called}: ${found.cloudState}` }
}

/** By their ids: the cloud gives green blue's name, and blue another one. */
async function placesNow(deps: Deps, input: BlueAndGreen): Promise<PlacesNow> {
  const { blueGreen, cloud, entry } = await ableTo(deps, input)
  const { blue, green } = input
  const deployment = await blueGreen.describe(ownDeployment(input), looking())
  if (deployment?.state === 'switching') throw notReadyYet(DEPLOYMENT, deployment.cloudState)
  const named = await cloud.describeInstance({ name: entry.instance }, looking())
  if (named === null || named.state !== 'ready')
    throw notReadyYet(`Instance ${entry.instance}`, named === null ? 'not there' : named.cloudState)
  if (named.instanceId === green.instanceId) {
    const other = await byId(cloud, { instanceId: blue.instanceId, name: deployment?.blue ?? null })
    return { outcome: 'switched', summary: `${entry.instance} is what was ${green.instance}`, named: addressOf(named), other }
  }
  if (named.instanceId === blue.instanceId) {
    const other = await byId(cloud, { instanceId: green.instanceId, name: green.instance })
    return { outcome: 'stayed', summary: `${entry.instance} is the instance that it was`, named: addressOf(named), other }
  }
  const message = `Instance ${entry.instance} is neither what it was nor green: somebody else has put another one in its place. See who writes.`
  throw failure('TARGET_MISMATCH', message, { instance: entry.instance })
}

/** Null: there is none, or it has no address. */
async function byId(
  cloud: ReturnType<Deps['cloudOf']>,
  { instanceId, name }: { readonly instanceId: string; readonly name: string | null },
): Promise<InstanceAddress | null> {
  const all: readonly (InstanceDescription | null)[] =
    name === null ? await cloud.listInstances(looking()) : [await cloud.describeInstance({ name }, looking())]
  const found = all.find((one) => one?.instanceId === instanceId)
  return found === undefined || found === null ? null : knownAddress(found)
}

async function removeDeployment(deps: Deps, input: StepRef & { withGreen: boolean }): Promise<void> {
  const { blueGreen, cloud } = await adapterOf(deps, input)
  if (blueGreen === null) return
  const own = ownDeployment(input)
  const { operation, withGreen } = input
  await atOurPace(blueGreen.startRemoval({ ...own, withGreen }, changing()))
  const found = await blueGreen.describe(own, looking())
  if (found !== null) throw notReadyYet(DEPLOYMENT, found.cloudState)
  const made = (await deps.ledger.getDocument({ operation, name: UPGRADE_DOCUMENTS.green })) as {
    readonly green: InstanceAddress
  } | null
  if (!withGreen || made === null) return
  const { instance, instanceId } = made.green
  const green = await cloud.describeInstance({ name: instance }, looking())
  if (green?.instanceId === instanceId) throw notReadyYet(`Instance ${instance}`, green.cloudState)
}
