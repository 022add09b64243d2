/** What the standby applies is confirmed at once while writing moves: by default it takes a fifth of a second, twice, and nobody can write meanwhile. */
import type { OperationId } from '../../contracts/operation'
import type { StandbyNames } from '../../contracts/standby'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import type { Session } from '../../postgres/connect/session'
import type { FenceToken } from '../../postgres/migrate/fence'
import { findSubscription } from '../../postgres/replicate/subscription'
import { readSynced, type Synced, setSynced } from '../../postgres/replicate/synced'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { BehindFence, SideName } from '../replication/sides'
import type { Pair } from './pair'

type Ledger = Pick<ActivityDeps, 'ledger'>

interface Before {
  readonly version: 1
  readonly synced: Synced
}

const { synced: name } = SWITCHOVER_DOCUMENTS

interface Crossing {
  readonly operation: OperationId
  readonly pair: Pick<Pair, 'forward' | 'back' | 'oneWay'>
  readonly on: Readonly<Record<SideName, Session>>
  readonly tokens: Readonly<Record<SideName, FenceToken>>
}

/** Both ways, where there are two. What it was is written down first: this may be the second attempt. */
export async function confirmedAtOnce({ ledger }: Ledger, { operation, pair, on, tokens }: Crossing): Promise<void> {
  const { forward, back, oneWay } = pair
  const { signal } = currentAct()
  const document: Before = { version: 1, synced: await readSynced(on.standby, forward.subscription) }
  await ledger.putDocumentOnce({ operation, name, document })
  assertMayAct()
  const at = { to: 'on', signal } as const
  await setSynced(on.standby, { ...at, name: forward.subscription, token: tokens.standby })
  if (!oneWay) await setSynced(on.source, { ...at, name: back.subscription, token: tokens.source })
}

/** The way back is dropped where writing did not move. */
export async function confirmedAsBefore(
  { ledger }: Ledger,
  {
    operation,
    standby,
    forward,
  }: { operation: OperationId; standby: Pick<BehindFence, 'admin' | 'token'>; forward: StandbyNames },
): Promise<void> {
  const before = (await ledger.getDocument({ operation, name })) as Before | null
  if (before === null || (await findSubscription(standby.admin, forward.subscription)) === null) return
  const { signal } = currentAct()
  await setSynced(standby.admin, { name: forward.subscription, token: standby.token, signal, to: before.synced })
}

/** Once writing has moved: as every standby, the old writer need not wait for its disk. */
export async function confirmedAsUsual(source: Session, { back }: Pick<Pair, 'back'>, token: FenceToken): Promise<void> {
  await setSynced(source, { name: back.subscription, token, signal: currentAct().signal, to: 'off' })
}
