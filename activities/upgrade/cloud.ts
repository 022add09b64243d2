/** The cloud's part of an upgrade. Until it is told to switch over all of it can be taken back; from then on it takes it back by itself, or not. What it was told of is
 *  written down first, so that whoever comes later, a workflow that was set back too, adopts it. */
import type { InstanceDescription } from '../../clouds/port'
import { Failure, failure } from '../../contracts/failures'
import type { InstanceAddress } from '../../contracts/migrate'
import type { StepRef } from '../../contracts/step-ref'
import {
  type CloudOfBlue,
  type Green,
  type GreenMade,
  type PlacesNow,
  type SwitchEnd,
  UPGRADE_DOCUMENTS,
} from '../../contracts/upgrade'
import { changing, currentAct } from '../act'
import { addressOf, knownAddress } from '../instance/address'
import { rememberOnce } from '../remember'
import { notes } from '../replication/notes'
import { findTarget } from '../target'
import { atOurPace, notListed, notReadyYet } from '../waiting'
import { ableTo, adapterOf, DEPLOYMENT, type Deps, describe, looking, restsByNow } from './adapter'
import type { BlueAndGreen, UpgradeActivities } from './contract'
import { ownDeployment } from './pair'
import { removeDeployment } from './removal'

/** About two seconds of polls: while names change an instance may not be listed, or have no address. */
const UNLISTED_ATTEMPTS = 6

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
  // whoever takes it back has to wait for what is listed late
  await deps.ledger.putDocumentOnce({ operation: input.operation, name: UPGRADE_DOCUMENTS.greenAsked, document: { version: 1 } })
  await atOurPace(blueGreen.start({ ...ownDeployment(input), source, wanted: request }, changing()))
}

async function awaitGreen(deps: Deps, input: StepRef): Promise<Green> {
  const { blueGreen, cloud, request } = await ableTo(deps, input)
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
  const others = found.greens.filter((name) => name !== found.green)
  for (const name of others) {
    const other = await cloud.describeInstance({ name }, looking())
    if (other === null) throw notListed(`Instance ${name}`)
    addressOf(other)
  }
  const lacking = await atOurPace(
    blueGreen.lacking({ green: { name: address.instance, instanceId: address.instanceId }, wanted: request }, looking()),
  )
  const document: GreenMade = { version: 1, deployment: found.id, green: address, others, lacking }
  await deps.ledger.putDocumentOnce({ operation, name: UPGRADE_DOCUMENTS.green, document })
  const replicas = others.length === 0 ? '' : `, with its read replicas ${others.join(', ')}`
  return {
    address,
    summary: `${address.instance} is there, PostgreSQL ${address.engineVersion}, in deployment ${found.id}${replicas}`,
  }
}

async function beginSwitch(deps: Deps, input: StepRef): Promise<{ refused: string | null }> {
  const { operation } = input
  const { ledger } = deps
  const { blueGreen, request } = await ableTo(deps, input)
  const options = changing()
  if ((await ledger.getDocument({ operation, name: UPGRADE_DOCUMENTS.asked })) !== null) return { refused: null }
  // an attempt before may have told the cloud, and lost its answer
  const told = (await ledger.getDocument({ operation, name: UPGRADE_DOCUMENTS.begun })) !== null
  const found = await blueGreen.describe(ownDeployment(input), options)
  await rememberOnce(ledger, { operation, name: UPGRADE_DOCUMENTS.begun }, async () => ({ version: 1 }))
  try {
    // what came to nothing is an end, and not begun anew
    const ended = told && (found?.state === 'stayed' || found?.state === 'broken')
    if (!ended)
      await atOurPace(blueGreen.startSwitchover({ ...ownDeployment(input), secondsMax: request.switchSecondsMax }, options))
    await ledger.putDocumentOnce({ operation, name: UPGRADE_DOCUMENTS.asked, document: { version: 1 } })
    return { refused: null }
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'CLOUD_REFUSED') throw error
    if (told && !(await restsByNow(deps, input, { state: found?.state ?? null, since: 'refusing' })))
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
  const isBack = await restsByNow(deps, input, { state: found.state, since: 'resting' })
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
  const address = addressOf(named)
  if (named.instanceId === green.instanceId) {
    const other = await otherOf(cloud, named, { instanceId: blue.instanceId, name: deployment?.blue ?? null })
    return { outcome: 'switched', summary: `${entry.instance} is what was ${green.instance}`, named: address, other }
  }
  if (named.instanceId === blue.instanceId) {
    // one of both is of a moment ago
    if (deployment?.state === 'switched') throw notReadyYet(`Instance ${entry.instance}`, 'shown as what it was before')
    const other = await otherOf(cloud, named, { instanceId: green.instanceId, name: green.instance })
    return { outcome: 'stayed', summary: `${entry.instance} is the instance that it was`, named: address, other }
  }
  const message = `Instance ${entry.instance} is neither what it was nor green: somebody else has put another one in its place. See who writes.`
  throw failure('TARGET_MISMATCH', message, { instance: entry.instance })
}

/** Null: the cloud has none of that id, or it has no address. What the deployment says of names may be of a moment ago: the list of all has the id, whatever it is called. */
async function otherOf(
  cloud: ReturnType<Deps['cloudOf']>,
  named: InstanceDescription,
  { instanceId, name }: { readonly instanceId: string; readonly name: string | null },
): Promise<InstanceAddress | null> {
  const called = name === null ? null : await cloud.describeInstance({ name }, looking())
  const found =
    called?.instanceId === instanceId
      ? called
      : (await cloud.listInstances(looking())).find((one) => one.instanceId === instanceId)
  // two of one name: its address is that of the other one by now
  if (found?.name === named.name) throw notReadyYet(`Instance ${named.name}`, 'shown as what it was before')
  const address = found === undefined ? null : knownAddress(found)
  if (address === null && currentAct().attempt < UNLISTED_ATTEMPTS)
    throw notReadyYet(`The other side of ${named.name}`, found === undefined ? 'not listed' : found.cloudState)
  return address
}
