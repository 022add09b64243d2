/** The two means by which a cloud keeps everybody off an instance. Each is taken as far as it can be: what cannot be had is told and holds up nothing. */
import type { ChangeOptions, InstanceAccess, ManagedPostgres } from '../../clouds/port'
import { Failure } from '../../contracts/failures'
import type { FenceMeans } from '../../contracts/instance-fence'
import { currentAct } from '../act'
import { notReadyYet } from '../waiting'
import { lettingIn, refOf } from './place'

/** About twenty seconds: rules that a cloud takes longer for hold on, and the stop, which is the stronger means, goes ahead of them. */
const NETWORK_ATTEMPTS_MAX = 14
/** About three minutes of an instance that its cloud calls busy, which is also how RDS refuses for good. */
const BUSY_ATTEMPTS_MAX = 30

export interface Taken {
  readonly means: FenceMeans | null
  /** Null: it was taken. */
  readonly untaken: string | null
}

interface Fenced {
  readonly cloud: ManagedPostgres
  readonly access: InstanceAccess
  readonly leftIn: readonly string[]
}

/** Before the stop: what starts the instance again finds them closed. */
export async function closeNetworks({ cloud, access, leftIn }: Fenced, options: ChangeOptions): Promise<Taken> {
  const { instance } = access
  const { beyondRules } = access
  const closed: Taken =
    beyondRules.length === 0
      ? { means: 'networks', untaken: null }
      : untaken(`Its rules let nobody in, but private ways that no rule closes stay open: ${beyondRules.join(', ')}.`)
  const stopped = instance.state === 'stopped' || /stopp/i.test(instance.cloudState)
  if (stopped && lettingIn(access, leftIn).length === 0) return closed
  try {
    const { done } = await cloud.setNetworkRules({ instance: refOf(access), networkRules: leftIn }, options)
    if (done) return closed
  } catch (error) {
    const why = refusal(error)
    if (why === null) throw error
    if (stopped)
      return untaken(`While it is stopped its networks cannot be closed, which the watch does as soon as it runs: ${why}`)
    if (isBusy(error) && currentAct().attempt < NETWORK_ATTEMPTS_MAX) throw error
    return untaken(`Its networks were not closed: ${why}`)
  }
  if (currentAct().attempt < NETWORK_ATTEMPTS_MAX) throw notReadyYet(`The network of ${instance.name}`, 'being closed')
  return untaken('Its cloud was told to close its networks, and has not said that they are closed.')
}

export async function stop({ cloud, access }: Fenced, options: ChangeOptions): Promise<Taken> {
  const taken: Taken = { means: 'stop', untaken: null }
  const { instance, unstoppable } = access
  if (instance.state === 'stopped') return taken
  if (instance.state === 'deleting') return untaken(`${instance.name} is being removed: it was not stopped.`)
  if (unstoppable !== null) return untaken(unstoppable)
  try {
    await cloud.startStop({ instance: refOf(access) }, options)
    return taken
  } catch (error) {
    const why = refusal(error)
    if (why === null || (isBusy(error) && currentAct().attempt < BUSY_ATTEMPTS_MAX)) throw error
    return untaken(`It was not stopped: ${why}`)
  }
}

function untaken(why: string): Taken {
  return { means: null, untaken: why }
}

/** Null: it is no refusal, but a cloud that did not answer, or a defect. */
export function refusal(error: unknown): string | null {
  const isRefusal = error instanceof Failure && ['CLOUD_BUSY', 'CLOUD_REFUSED', 'CREDENTIALS_REJECTED'].includes(error.code)
  return isRefusal ? error.message : null
}

function isBusy(error: unknown): boolean {
  return error instanceof Failure && error.code === 'CLOUD_BUSY'
}
