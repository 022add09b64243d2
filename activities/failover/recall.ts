/** Where the source was, when its cloud cannot be asked: as the newest plan for it says that named its very instance. */
import type { SourceSeen } from '../../contracts/failover'
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
