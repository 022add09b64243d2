/** Fences an instance through its cloud's API, keeps it fenced, and lifts it again. Nothing here asks the instance itself: `proof.ts` does. */
import type { ChangeOptions, InstanceAccess } from '../../clouds/port'
import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { FencedInstance, FenceLook, FenceMeans, FenceState } from '../../contracts/instance-fence'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { addressOf } from '../instance/address'
import { notReadyYet } from '../waiting'
import type { Fencing, InstanceFenceActivities } from './contract'
import { lift } from './lift'
import { closeNetworks, refusal, stop } from './means'
import { type Located, leftInOf, lettingIn, locate, openRow, placeOf, refOf } from './place'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>

const STANDING = ['fencing', 'fenced'] as const
/** In which networks are closed, or are stopped being waited for (`means.ts`). */
const CLOSING_MS = 60_000

export function createInstanceFenceActivities(deps: Deps): InstanceFenceActivities {
  const { ledger, cloudOf } = deps
  const at = (): string => new Date().toISOString()
  return {
    async startFence({ requestedBy, reason, ...input }) {
      const { database } = await ledger.getBundle(input.bundle)
      const { target } = input
      const place = placeOf(database, target)
      const { leftIn } = await openRow(ledger, { ...input, requestedBy, reason })
      const change = { place, instanceId: target.instanceId, from: STANDING } as const
      const found = await locate(cloudOf(database), database, target, currentAct())
      if (found === 'gone') await ledger.changeFence({ ...change, to: 'gone' })
      if (found === 'gone' || found === 'unknown')
        return { means: [], untaken: [notThere(database, target.instance, found)], at: at() }
      await ledger.changeFence({ ...change, before: beforeOf(found) })
      const fenced = { cloud: cloudOf(database), access: found, leftIn }
      const options = await whileStanding(deps, input, database)
      const taken = [await closeNetworks(fenced, options), await stop(fenced, options)]
      const means = taken.flatMap((one): FenceMeans[] => (one.means === null ? [] : [one.means]))
      await ledger.changeFence({ ...change, to: 'fenced', means })
      return { means, untaken: taken.flatMap(({ untaken }) => (untaken === null ? [] : [untaken])), at: at() }
    },
    async fenceState({ bundle, target }) {
      const { database } = await ledger.getBundle(bundle)
      return stateOf(await locate(cloudOf(database), database, target, currentAct()), leftInOf(database))
    },
    async reassertFence(input) {
      const { database } = await ledger.getBundle(input.bundle)
      const { target } = input
      const place = placeOf(database, target)
      const held = await ledger.getFence(place)
      if (held === null) {
        const message = `The ledger knows of no fence of ${target.instance}, which ${input.operation} has fenced: nobody keeps it closed. See whether it may serve, and fence it or remove its schedule.`
        throw failure('FENCE_LIFTED', message, { instance: target.instance })
      }
      if (held.instanceId !== target.instanceId || held.state === 'lifted' || held.state === 'gone')
        return { over: true, look: { at: at(), state: 'unknown', found: null }, reasserted: false }
      if (held.state === 'lifting') return { over: false, look: { at: at(), state: 'unknown', found: null }, reasserted: false }
      const found = await locate(cloudOf(database), database, target, currentAct())
      const { state } = stateOf(found, held.leftIn)
      const change = { place, instanceId: target.instanceId, from: STANDING } as const
      if (found === 'gone') {
        const look = { at: at(), state, found: `${target.instance} is gone: nobody has to be kept from it any more.` }
        await ledger.changeFence({ ...change, to: 'gone', look })
        return { over: true, look, reasserted: false }
      }
      if (found !== 'unknown') await ledger.changeFence({ ...change, before: beforeOf(found) })
      const { said, acted } =
        found === 'unknown' ? unseen(database, target.instance) : await again(deps, input, { database, held, access: found })
      const look: FenceLook = { at: at(), state, found: said }
      await ledger.changeFence({ ...change, look, again: acted })
      return { over: false, look, reasserted: acted }
    },
    liftFence: (input) => lift(deps, input),
    async letUsIn({ by, reason, ...input }) {
      const { database } = await ledger.getBundle(input.bundle)
      const { target } = input
      const place = placeOf(database, target)
      const change = { place, instanceId: target.instanceId, from: STANDING } as const
      await ledger.changeFence(change)
      currentAct().log?.('a fenced instance is started for the control plane', { instance: target.instance, by, reason })
      const found = await locate(cloudOf(database), database, target, currentAct())
      if (found === 'gone' || found === 'unknown') throw failure('INSTANCE_NOT_FOUND', notThere(database, target.instance, found))
      const open = [...lettingIn(found, leftInOf(database)), ...found.beyondRules]
      if (open.length > 0) {
        const message = `${target.instance} was not started: its network still lets in ${open.join(', ')}, and whoever comes from there would write to it. docs/runbooks/replicate.md (“Start the old writer”) says how that is closed first.`
        throw failure('FENCE_REFUSED', message, { instance: target.instance })
      }
      // of one that is refused the watch goes on stopping whatever starts it
      await ledger.changeFence({ ...change, keep: 'closed', lifted: null })
      if (found.instance.state === 'ready') return addressOf(found.instance)
      if (found.instance.state === 'stopped')
        await cloudOf(database).startStart({ instance: refOf(found) }, await whileStanding(deps, input, database))
      throw notReadyYet(`Instance ${target.instance}`, 'being started')
    },
  }
}

/** Closed or stopped once more: what is ordered here is seen to by the next look. */
async function again(
  deps: Deps,
  input: Fencing,
  { database, held, access }: { database: DatabaseEntry; held: FencedInstance; access: InstanceAccess },
): Promise<{ said: string | null; acted: boolean }> {
  const cloud = deps.cloudOf(database)
  const options = await whileStanding(deps, input, database)
  const { instance, unstoppable } = access
  const open = lettingIn(access, held.leftIn)
  const said: string[] = []
  let acted = false
  const act = async (what: string, done: string, order: () => Promise<unknown>): Promise<void> => {
    try {
      await order()
      acted = true
      said.push(`${what}; ${done}.`)
    } catch (error) {
      const why = refusal(error)
      if (why === null) throw error
      said.push(`${what}, and nothing could be done about it yet: ${why}`)
    }
  }
  if (open.length > 0)
    await act(`Its network let in ${open.join(', ')}`, 'it was closed again', () =>
      cloud.setNetworkRules({ instance: refOf(access), networkRules: held.leftIn }, options),
    )
  const runs = instance.state === 'ready' || instance.state === 'failed'
  // closed networks keep nobody out who comes by a way that has no rule
  const toStop = held.keep === 'stopped' || access.beyondRules.length > 0
  // a cloud that refuses the order may be at that very closing
  const closingFirst = open.length > 0 && isBeingClosed(held)
  if (closingFirst) said.push('It is stopped once it is closed.')
  if (toStop && !closingFirst && runs && unstoppable === null)
    await act(`It ran (${instance.cloudState})`, 'it was stopped again', () =>
      cloud.startStop({ instance: refOf(access) }, access.beyondRules.length > 0 ? options : whileStopped(deps, held, options)),
    )
  if (toStop && instance.state === 'changing' && !/stopp/i.test(instance.cloudState) && unstoppable === null)
    said.push(`It is ${instance.cloudState}: it is stopped as soon as its cloud lets it be.`)
  return { said: said.length === 0 ? null : said.join(' '), acted }
}

/** Its networks are closed before it is stopped, since a cloud may change none of one that stops; for as long only as whoever fences it may still be at that. */
function isBeingClosed({ state, since }: FencedInstance): boolean {
  return state === 'fencing' && Date.now() - Date.parse(since) < CLOSING_MS
}

/** Each change asks whether the fence still stands: whoever lifts it must not find the instance stopped behind his back. */
async function whileStanding({ ledger }: Deps, { target }: Fencing, database: DatabaseEntry): Promise<ChangeOptions> {
  const { signal, mayChange } = changing()
  return {
    signal,
    async mayChange() {
      await mayChange()
      await ledger.changeFence({ place: placeOf(database, target), instanceId: target.instanceId, from: STANDING })
    },
  }
}

/** Nor whoever has started it for the control plane since it was looked at. */
function whileStopped({ ledger }: Deps, held: FencedInstance, options: ChangeOptions): ChangeOptions {
  return {
    ...options,
    async mayChange() {
      await options.mayChange()
      if ((await ledger.getFence(held))?.keep !== 'closed') return
      throw notReadyYet(`Instance ${held.instance}`, 'started for the control plane')
    },
  }
}

function beforeOf({ instance, rules, ruleNames, notGivenBack }: InstanceAccess): NonNullable<FencedInstance['before']> {
  return { running: instance.state !== 'stopped', rules, ruleNames, notGivenBack }
}

function stateOf(found: Located, leftIn: readonly string[]): FenceState {
  const at = new Date().toISOString()
  if (found === 'gone' || found === 'unknown') return { state: found, cloudState: null, lettingIn: [], at }
  const { state, cloudState } = found.instance
  const said = state === 'stopped' ? 'stopped' : state === 'ready' || state === 'failed' ? 'running' : 'changing'
  return { state: said, cloudState, lettingIn: [...lettingIn(found, leftIn), ...found.beyondRules], at }
}

function notThere({ cloud, account }: DatabaseEntry, instance: string, found: 'gone' | 'unknown'): string {
  return found === 'gone'
    ? `${cloud} has no ${instance} of that identity any more.`
    : `${cloud} shows no ${instance}, and nothing else of account ${account} either: see whose credentials the worker has.`
}

function unseen(database: DatabaseEntry, instance: string): { said: string; acted: false } {
  return { said: notThere(database, instance, 'unknown'), acted: false }
}
