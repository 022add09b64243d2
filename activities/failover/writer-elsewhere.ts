/** Whether another database writes in the place of a source by now, for whoever is about to make one more a writer, whichever way: by the fence of its cloud, by the records of standbys, and
 *  by earlier operations. Reads only. */
import type { DatabaseEntry } from '../../contracts/fleet'
import type { FencedTarget } from '../../contracts/instance-fence'
import type { Finding } from '../../contracts/operation'
import type { ActivityDeps } from '../deps'
import { openedBehind, placeOf } from '../instance-fence/place'
import { type AskedOfGivenUp, type GivenUp, givenUpBefore } from './given-up'
import { isLeftAmid } from './left-amid'

type Ledger = Parameters<typeof givenUpBefore>[0] & Pick<ActivityDeps['ledger'], 'getFence' | 'listStandbys'>

interface AskedOfSource extends Pick<AskedOfGivenUp, 'operation' | 'beatAt'> {
  readonly source: DatabaseEntry
  readonly at: FencedTarget
}

export async function writerElsewhere(ledger: Ledger, { source, at, operation, beatAt }: AskedOfSource): Promise<GivenUp> {
  const { name } = source
  const givenUp = await givenUpBefore(ledger, { source: { name, instanceId: at.instanceId }, operation, beatAt })
  const blocks = [...(await blocksOfFence(ledger, { source, at, operation })), ...(await blocksOfRole(ledger, name))]
  return { ...givenUp, blocks: [...blocks, ...givenUp.blocks] }
}

/** Two of one source are never opened: what stands for the first would be taken back for the second. */
async function blocksOfFence(ledger: Ledger, { source, at, operation }: Omit<AskedOfSource, 'beatAt'>): Promise<Finding[]> {
  const opened = await openedBehind(ledger, await ledger.getFence(placeOf(source, at)), at)
  if (opened === null || opened.operation === operation) return []
  const whom = opened.writer === null ? 'another database' : opened.writer
  const message = `${opened.operation} has fenced ${at.instance} and made ${whom} the writer in its place. A second one would write beside it: fail over from ${whom}, or move writing by "capstan switchover".`
  return [{ rule: 'failover:opened', message }]
}

/** Writing has moved away from one that follows another by now, whoever still follows it: opened, that one would be a second writer. */
async function blocksOfRole(ledger: Ledger, source: string): Promise<Finding[]> {
  const live = (await ledger.listStandbys()).filter(({ target, state }) => target === source && state !== 'gone')
  const amid = await Promise.all(live.map((record) => isLeftAmid(ledger, record)))
  const own = live.find((_, index) => !amid[index])
  if (own === undefined) return []
  const message = `${own.target} is a standby of ${own.source} itself (${own.state}), so it is not the writer: fail over from ${own.source}, or "capstan standby remove" what is none.`
  return [{ rule: 'failover:follows', message }]
}
