/** Takes a deployment away: with green where that has not taken over, and the record of it alone where it has. */
import { UPGRADE_DOCUMENTS } from '../../contracts/upgrade'
import { changing, currentAct } from '../act'
import { atOurPace, notReadyYet } from '../waiting'
import { adapterOf, DEPLOYMENT, type Deps, looking } from './adapter'
import type { UpgradeActivities } from './contract'
import { ownDeployment } from './pair'

type Input = Parameters<UpgradeActivities['removeDeployment']>[0]

/** More than a minute of polls: what was asked for may be listed only after a while, and runs on for whoever believes that there is none. */
const UNSEEN_ATTEMPTS = 20

interface Seen {
  readonly version: 1
  /** By name, those of the read replicas too. */
  readonly greens: readonly string[]
}

export async function removeDeployment(deps: Deps, input: Input): Promise<'gone' | 'took-over'> {
  const { blueGreen, cloud } = await adapterOf(deps, input)
  if (blueGreen === null) return 'gone'
  const own = ownDeployment(input)
  const { withGreen } = input
  const shown = await blueGreen.describe(own, looking())
  if (shown?.state === 'switched' && withGreen && input.afterCall) return 'took-over'
  const seen = await remembered(deps, input, shown?.greens ?? null)
  if (seen === null) {
    if ((await wasAsked(deps, input)) && currentAct().attempt < UNSEEN_ATTEMPTS) throw notReadyYet(DEPLOYMENT, 'not listed yet')
    return 'gone'
  }
  await atOurPace(blueGreen.startRemoval({ ...own, withGreen }, changing()))
  const left = await blueGreen.describe(own, looking())
  if (left !== null) throw notReadyYet(DEPLOYMENT, left.cloudState)
  if (!withGreen) return 'gone'
  for (const name of seen.greens) {
    const green = await cloud.describeInstance({ name }, looking())
    if (green !== null) throw notReadyYet(`Instance ${name}`, green.cloudState)
  }
  return 'gone'
}

/** What the deployment was last seen to be made of; null: it never was. */
async function remembered(deps: Deps, { operation }: Input, greens: readonly string[] | null): Promise<Seen | null> {
  const at = { operation, name: UPGRADE_DOCUMENTS.seen }
  const held = (await deps.ledger.getDocument(at)) as Seen | null
  // one that is being removed loses them one by one
  const all = [...new Set([...(held?.greens ?? []), ...(greens ?? [])])]
  if (greens === null || all.length === held?.greens.length) return held
  const document: Seen = { version: 1, greens: all }
  await deps.ledger.putDocument({ ...at, document })
  return document
}

async function wasAsked({ ledger }: Deps, { operation }: Input): Promise<boolean> {
  return (await ledger.getDocument({ operation, name: UPGRADE_DOCUMENTS.greenAsked })) !== null
}
