/** The initial copy, which PostgreSQL makes by itself once it is subscribed, and what comes after it. */
import { failure } from '../../contracts/failures'
import type { CopyProgress, SlotLook, StandbyNames, SubscriptionLook } from '../../contracts/standby'
import { bytes } from '../../postgres/health/words'
import type { FenceToken } from '../../postgres/migrate/fence'
import { buildIndexes as buildAside } from '../../postgres/replicate/build-indexes'
import { copyProgress, estimate, type TimedProgress, tableSizes } from '../../postgres/replicate/copy-progress'
import { filledViews } from '../../postgres/replicate/materialized-views'
import { lookAtSource, lookAtStandby } from '../../postgres/replicate/watch/look'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { rememberOnce } from '../remember'
import { notReadyYet } from '../waiting'
import type { Replicating } from './contract'
import { type MadeDocument, madeBy } from './made'
import { placeOf } from './make'
import { notes } from './notes'
import { bothOf, looking, opener, type Place, raisedOn } from './sides'
import { fillViews } from './views'

type Told = { readonly summary: string }

export async function awaitCopy(deps: ActivityDeps, input: Replicating): Promise<Told> {
  const { operation, step } = input
  const made = await madeBy(deps, operation)
  const { request } = await bothOf(deps, input.bundle)
  const { subscription, slot } = await lookAtBoth(deps, input, made)
  refuseStuck(made.names, subscription, slot, request.declared.retainedBytesMax)
  if (subscription === null) throw notReadyYet(`The copy of ${request.standby.name}`, 'not begun yet')
  const { tables: progress } = subscription
  if (progress.ready === progress.tables)
    return { summary: `${progress.tables} tables follow, ${bytes(progress.bytesTotal)} copied` }
  const now: TimedProgress = { atMs: Date.now(), progress }
  const began = await rememberOnce(deps.ledger, { operation, name: 'copy-began' }, () => Promise.resolve(now))
  const etaMs = estimate(began, now)
  const summary = `${shown(progress, etaMs)}${shownErrors(subscription)}`
  await deps.ledger.noteProgress({ operation, step, detail: { summary, progress, etaMs } }).catch(() => undefined)
  throw notReadyYet(`The copy of ${request.standby.name}`, summary)
}

interface Seen {
  readonly subscription: SubscriptionLook | null
  readonly slot: SlotLook | null
}

async function lookAtBoth(deps: ActivityDeps, input: Replicating, { names, tables }: MadeDocument): Promise<Seen> {
  const [source, standby] = [await placeOf(deps, input, 'source'), await placeOf(deps, input, 'standby')]
  return looking(deps, source, 'migrator', async (there) => {
    const sizes = await tableSizes(there, tables)
    const { subscription } = names
    // how far a worker of the subscription is in a table is shown to the role that owns that, and not to everybody
    const progress = () => looking(deps, standby, 'admin', (session) => copyProgress(session, { subscription, sizes }))
    const here = await looking(deps, standby, 'migrator', (session) => lookAtStandby(session, { subscription, progress }))
    const { slot, publication } = names
    const seen = await lookAtSource(there, { slot, publication, copySlots: here.copySlots })
    return { subscription: here.side.subscription, slot: seen.side.slot }
  })
}

/** Nothing comes any more, or it costs the source more than was declared. */
function refuseStuck(
  names: StandbyNames,
  subscription: SubscriptionLook | null,
  slot: SlotLook | null,
  retainedBytesMax: number,
): void {
  if (slot === null || slot.walStatus === 'lost') {
    throw failure(
      'DATABASE_REFUSED',
      `The slot ${names.slot} is gone, or has lost log that it was to keep: the copy cannot be finished. Start again.`,
      {
        slot: names.slot,
      },
    )
  }
  if (subscription !== null && !subscription.enabled) {
    const message = `The subscription ${names.subscription} was disabled while rows were copied: find out why, then start again.`
    throw failure('DATABASE_REFUSED', message, { subscription: names.subscription })
  }
  const { retainedBytes } = slot
  if (retainedBytes === null || retainedBytes <= retainedBytesMax) return
  throw failure(
    'DATABASE_REFUSED',
    `While rows are copied the source holds back ${bytes(retainedBytes)} of log, and maxRetained allows ${bytes(retainedBytesMax)}: allow more, or copy at an hour when less is written.`,
    { retainedBytes, retainedBytesMax },
  )
}

function shown({ tables, ready, copying, bytesDone, bytesTotal }: CopyProgress, etaMs: number | null): string {
  const names = copying.map(({ table }) => table).join(', ')
  const eta = etaMs === null ? '' : `, about ${Math.ceil(etaMs / 1_000).toLocaleString('en-US')} s left`
  return `${ready} of ${tables} tables follow, ${bytes(bytesDone)} of ${bytes(bytesTotal)}${names === '' ? '' : `; copying ${names}`}${eta}`
}

/** It is tried over and over, so that whoever looks has to hear of it. */
function shownErrors({ applyErrors, syncErrors }: SubscriptionLook): string {
  const errors = applyErrors + syncErrors
  return errors === 0 ? '' : `; ${errors} errors so far: the server’s log on the standby says why`
}

/** Those that hold something on the source. Seeded anew by one table they stay as they are, until the next switchover: whoever reads them on the standby would wait. */
async function fillAsOnSource(deps: ActivityDeps, input: Replicating, { standby, token }: { standby: Place; token: FenceToken }) {
  const { table } = await bothOf(deps, input.bundle)
  if (table !== null) return null
  const views = await looking(deps, await placeOf(deps, input, 'source'), 'migrator', filledViews)
  return views.length === 0 ? null : fillViews(deps, standby, { token, views })
}

/** A thousand small tables are a thousand ways to another cloud else. */
const ANALYZED_AT_ONCE = 25

export async function buildIndexes(deps: ActivityDeps, input: Replicating): Promise<Told> {
  const { operation, epochs } = input
  const { tables } = await madeBy(deps, operation)
  const standby = await placeOf(deps, input, 'standby')
  const { signal } = currentAct()
  const progress = notes(deps, input)
  const token = await raisedOn(deps, standby, epochs.standby)
  const connect = opener(deps, standby, 'migrator', token)
  const built = await buildAside({
    ...{ connect, token, signal },
    onProgress: ({ total, built: done, building }) =>
      progress.tell(`${done} of ${total} indexes built${building.length === 0 ? '' : `, building ${building.join(', ')}`}`),
  })
  const session = await connect()
  try {
    for (let at = 0; at < tables.length; at += ANALYZED_AT_ONCE) {
      const some = tables.slice(at, at + ANALYZED_AT_ONCE)
      progress.tell(`gathering statistics of ${some[0]}${some.length === 1 ? '' : ` and ${some.length - 1} more`}`)
      // quoted by PostgreSQL itself; each is a transaction of its own
      await session.execute(`ANALYZE ${some.join(', ')}`, { signal })
    }
  } finally {
    await session.close()
  }
  await progress.settle()
  const views = await fillAsOnSource(deps, input, { standby, token })
  return {
    summary: [
      `${built} indexes built, statistics of ${tables.length} tables gathered`,
      ...(views === null ? [] : [views.summary, ...views.findings.map(({ message }) => message)]),
    ].join('; '),
  }
}
