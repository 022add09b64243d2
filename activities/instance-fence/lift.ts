/** The way back: the instance runs as it did, and lets in whom it let in. The row says first that it is lifted, so that the watch keeps its hands off. */
import type { FencedInstance } from '../../contracts/instance-fence'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { notReadyYet } from '../waiting'
import type { Fencing } from './contract'
import { lettingIn, locate, placeOf, refOf } from './place'

export async function lift(
  { ledger, cloudOf }: Pick<ActivityDeps, 'ledger' | 'cloudOf'>,
  { by, reason, bundle, target }: Fencing & { by: string; reason: string },
): Promise<{ summary: string }> {
  const { database } = await ledger.getBundle(bundle)
  const place = placeOf(database, target)
  const held = await ledger.getFence(place)
  if (held === null || held.instanceId !== target.instanceId) return { summary: `${target.instance} was not fenced.` }
  if (held.state === 'lifted' || held.state === 'gone') return { summary: `${target.instance} is not fenced any more.` }
  const change = { place, instanceId: target.instanceId, from: ['fencing', 'fenced', 'lifting'] } as const
  const lifted = held.lifted ?? { by, reason, at: new Date().toISOString() }
  await ledger.changeFence({ ...change, to: 'lifting', lifted })
  const found = await locate(cloudOf(database), database, target, currentAct())
  if (found === 'gone') {
    await ledger.changeFence({ ...change, to: 'gone' })
    return { summary: `${target.instance} is gone: there is nothing to lift.` }
  }
  if (found === 'unknown') throw notReadyYet(`Instance ${target.instance}`, 'not shown by its cloud')
  if (held.before !== null) {
    await putBack({ cloud: cloudOf(database), found, before: held.before })
  }
  await ledger.changeFence({ ...change, to: 'lifted' })
  return { summary: summaryOf(held) }
}

/** Networks are opened while it runs, since not every cloud opens those of one that is stopped; so one that was stopped before is started for it. */
async function putBack({
  cloud,
  found,
  before,
}: {
  cloud: ReturnType<ActivityDeps['cloudOf']>
  found: Exclude<Awaited<ReturnType<typeof locate>>, string>
  before: NonNullable<FencedInstance['before']>
}): Promise<void> {
  const { instance } = found
  const ref = refOf(found)
  const options = changing()
  const isOpen = lettingIn(found, before.rules).length === 0 && before.rules.every((rule) => found.rules.includes(rule))
  const runs = instance.state === 'ready' || instance.state === 'failed'
  if (instance.state === 'deleting') return
  if (instance.state === 'changing') throw notReadyYet(`Instance ${instance.name}`, instance.cloudState)
  if (!runs && (before.running || !isOpen)) {
    await cloud.startStart({ instance: ref }, options)
    throw notReadyYet(`Instance ${instance.name}`, 'being started')
  }
  if (!isOpen) {
    const { done } = await cloud.setNetworkRules({ instance: ref, networkRules: before.rules, names: before.ruleNames }, options)
    if (!done) throw notReadyYet(`The network of ${instance.name}`, 'being opened')
  }
  if (runs && !before.running) {
    await cloud.startStop({ instance: ref }, options)
    throw notReadyYet(`Instance ${instance.name}`, 'being stopped, as it was')
  }
}

function summaryOf({ instance, before }: FencedInstance): string {
  if (before === null) return `${instance} was never closed: nothing was put back.`
  const left =
    before.notGivenBack.length === 0 ? '' : `; not put back, since no call of ours makes them: ${before.notGivenBack.join(', ')}`
  const rules = before.rules.length === 0 ? 'nobody, as before' : before.rules.join(', ')
  return `${instance} ${before.running ? 'runs' : 'is stopped as it was'} and lets in ${rules}${left}.`
}
