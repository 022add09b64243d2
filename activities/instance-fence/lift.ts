/** The way back: the instance runs as it did, and lets in whom it let in. The row says first that it is lifted, so that the watch keeps its hands off. */
import type { ChangeOptions } from '../../clouds/port'
import { failure } from '../../contracts/failures'
import type { FencedInstance, FenceHold } from '../../contracts/instance-fence'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { notReadyYet } from '../waiting'
import type { InstanceFenceActivities } from './contract'
import { lettingIn, locate, openedBehind, placeOf, refOf } from './place'

export async function lift(
  { ledger, cloudOf }: Pick<ActivityDeps, 'ledger' | 'cloudOf'>,
  {
    by,
    reason,
    bundle,
    target,
    operation,
    undo = false,
    writer,
    runs = false,
  }: Parameters<InstanceFenceActivities['liftFence']>[0],
): Promise<{ summary: string }> {
  const { database } = await ledger.getBundle(bundle)
  const place = placeOf(database, target)
  const held = await ledger.getFence(place)
  if (held === null || held.instanceId !== target.instanceId) return { summary: `${target.instance} was not fenced.` }
  if (held.state === 'lifted' || held.state === 'gone') return { summary: `${target.instance} is not fenced any more.` }
  if (undo && held.state !== 'lifting') {
    const { others } = await ledger.leaveFence({ place, instanceId: target.instanceId, operation })
    if (others.length > 0) return { summary: `${target.instance} stays fenced: ${namesOf(others)} wants it so.` }
  }
  await assertNoWriterInItsPlace(ledger, held, writer)
  if (undo && held.operation !== operation)
    return { summary: `${held.operation} has fenced ${target.instance} anew: it stays so.` }
  const change = { place, instanceId: target.instanceId, operation, from: ['fencing', 'fenced', 'lifting'] } as const
  const lifted = held.lifted ?? { by, reason, at: new Date().toISOString() }
  await ledger.changeFence({ ...change, to: 'lifting', lifted })
  const found = await locate(cloudOf(database), database, target, currentAct())
  if (found === 'gone') {
    await ledger.changeFence({ ...change, to: 'gone' })
    return { summary: `${target.instance} is gone: there is nothing to lift.` }
  }
  if (found === 'unknown') throw notReadyYet(`Instance ${target.instance}`, 'not shown by its cloud')
  if (held.before !== null) {
    const { signal, mayChange } = changing()
    const options = {
      signal,
      async mayChange() {
        await mayChange()
        await ledger.changeFence({ ...change, from: ['lifting'] })
      },
    }
    await putBack({ cloud: cloudOf(database), found, before: asBefore(held.before, runs), options })
    // an order that nobody saw the end of may reach its cloud behind the look
    if (held.means.length === 0 && currentAct().attempt < LOOKS_MIN)
      throw notReadyYet(`Instance ${target.instance}`, 'looked at once more, since it may be told to close still')
  }
  await ledger.changeFence({ ...change, to: 'lifted' })
  return { summary: summaryOf({ ...held, before: held.before && asBefore(held.before, runs) }) }
}

/** About ten seconds, by nobody's clock: for a request that was on its way to the cloud when the row began to let none be sent. */
const LOOKS_MIN = 12

const asBefore = (before: NonNullable<FencedInstance['before']>, runs: boolean) => ({
  ...before,
  running: before.running || runs,
})

/** Whoever lifts it then has two writers, unless he has made sure that the old one is none. */
async function assertNoWriterInItsPlace(
  ledger: ActivityDeps['ledger'],
  held: FencedInstance,
  named: string | undefined,
): Promise<void> {
  const opened = await openedBehind(ledger, held, held)
  if (opened === null || (named !== undefined && (opened.writer === null || opened.writer === named))) return
  const { operation, writer } = opened
  const message = `${operation} has made ${writer ?? 'another database'} the writer in the place of ${held.database}: ${held.instance} would be a second one, and nothing brings their rows together. Once it is emptied, or nothing leads to it, say so by naming the writer: --writer ${writer ?? 'NAME'}.`
  throw failure('RESOURCE_NOT_OURS', message, { instance: held.instance, operation })
}

function namesOf(holds: readonly FenceHold[]): string {
  return holds.map(({ operation }) => operation).join(', ')
}

/** Networks are opened while it runs, since not every cloud opens those of one that is stopped; so one that was stopped before is started for it. */
async function putBack({
  cloud,
  found,
  before,
  options,
}: {
  cloud: ReturnType<ActivityDeps['cloudOf']>
  found: Exclude<Awaited<ReturnType<typeof locate>>, string>
  before: NonNullable<FencedInstance['before']>
  options: ChangeOptions
}): Promise<void> {
  const { instance } = found
  const ref = refOf(found)
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
