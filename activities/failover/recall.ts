/** Where the source was, when its cloud cannot be asked: as the newest plan for it says that named its very instance. */
import { EXCHANGE_DOCUMENTS, type ExchangePlan } from '../../contracts/exchange'
import type { SourceSeen } from '../../contracts/failover'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { InstanceAddress } from '../../contracts/migrate'
import { REPLICATE_DOCUMENTS } from '../../contracts/replicate'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import type { ActivityDeps } from '../deps'
import { standing } from '../replication/record'
import { standbyOf } from '../replication/sides'

const PLANS = { replicate: REPLICATE_DOCUMENTS.plan, switchover: SWITCHOVER_DOCUMENTS.plan } as const
const BACK = 50

interface Planned {
  readonly source: InstanceAddress
  readonly standby: InstanceAddress
}

export async function recallSource(deps: Pick<ActivityDeps, 'ledger'>, bundle: string): Promise<SourceSeen> {
  const { ledger } = deps
  const held = await ledger.getBundle(bundle)
  if (held.exchange !== undefined) return recallReplicated(ledger, held.database)
  const { instances } = await standing(deps, { source: held.database.name, target: standbyOf(held).standby.name })
  for (const kind of ['switchover', 'replicate'] as const) {
    for (const { id } of await ledger.listOperations({ database: held.database.name, kind, limit: BACK })) {
      const plan = (await ledger.getDocument({ operation: id, name: PLANS[kind] })) as Planned | null
      const found = [plan?.source, plan?.standby].find((one) => one?.instanceId === instances.source)
      if (found !== undefined)
        return { address: found, gone: false, said: `it was at ${found.host}:${found.port} when ${id} planned` }
    }
  }
  return { address: null, gone: false, said: 'no plan in the ledger names its instance' }
}

/** Of a pair that its cloud keeps: as the newest plan has it that moved its writing, or was to. */
async function recallReplicated(
  ledger: ActivityDeps['ledger'],
  { name, instance }: Pick<DatabaseEntry, 'name' | 'instance'>,
): Promise<SourceSeen> {
  for (const { id } of await ledger.listOperations({ database: name, kind: 'exchange', limit: BACK })) {
    const plan = (await ledger.getDocument({ operation: id, name: EXCHANGE_DOCUMENTS.plan })) as ExchangePlan | null
    if (plan?.source.instance === instance) return recalled(plan.source, id)
    if (plan?.standby.instance === instance) return recalled({ ...plan.standby, ...plan.standby.afterwards }, id)
  }
  return { address: null, gone: false, said: 'no plan in the ledger names its instance' }
}

function recalled(address: InstanceAddress, operation: string): SourceSeen {
  return { address, gone: false, said: `it was at ${address.host}:${address.port} when ${operation} planned` }
}
