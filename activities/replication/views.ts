/** The materialized views of a standby, filled from what it has: before applications read them there. */
import type { Finding } from '../../contracts/operation'
import type { FenceToken } from '../../postgres/migrate/fence'
import { refreshViews } from '../../postgres/replicate/materialized-views'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { notes } from './notes'
import { opener, type Place } from './sides'

interface Filled {
  /** One line. */
  readonly summary: string
  readonly findings: readonly Finding[]
}

/** `token`: stands in the standby's database. `servedMsMax`: as of `refreshViews`. A view that cannot be filled is told, and keeps nobody. */
export async function fillViews(
  deps: ActivityDeps,
  standby: Place,
  { token, views, servedMsMax }: { readonly token: FenceToken; readonly views: readonly string[]; readonly servedMsMax?: number },
): Promise<Filled> {
  const progress = notes(deps, standby.ref)
  const session = await opener(deps, standby, 'migrator', token)()
  try {
    const { refreshed, left } = await refreshViews({
      ...{ standby: session, token, views, servedMsMax, signal: currentAct().signal },
      onProgress: (view) => progress.tell(`filling ${view}`),
    })
    await progress.settle()
    const findings = left.map((one) => ({
      rule: 'materialized-view',
      message: `Not filled on ${standby.entry.name}: ${one}. It shows what it did before.`,
    }))
    const rest = left.length === 0 ? '' : `, ${left.length} not`
    return { summary: `${refreshed.length} materialized views filled${rest}`, findings }
  } finally {
    await session.close()
  }
}
