/** Has a standby compared with its source by whoever watches it, and waits for what that comes to. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../contracts/failures'
import type { ComparisonTold, StandbyComparisons, StandbyRecord } from '../contracts/standby'
import type { Ledger } from '../ledger/ledger'
import { cutInput, shownInput } from './shown-input'

const POLL_MS = 500

export interface CompareStandby {
  readonly source: string
  /** Null: the only one that there is. */
  readonly standby: string | null
  /** With each word of the ledger that differs from the one before. */
  readonly onChange: (compared: StandbyComparisons) => void
  readonly signal: AbortSignal
}

/** Null: it was left before that. Fails with STANDBY_UNKNOWN where there is none, OPTION_INVALID where there are several, STANDBY_CHANGED while it does not
 *  follow. */
export async function compareStandby(
  ledger: Pick<Ledger, 'listStandbys' | 'getStandby' | 'noteComparison'>,
  { source, standby, onChange, signal }: CompareStandby,
): Promise<ComparisonTold | null> {
  const found = only(await ledger.listStandbys(), source, standby)
  const { target, state } = found
  if (state !== 'following') {
    const message = `The standby ${target} of ${source} is ${state}: what differs may only be late. It is compared while it is following.`
    throw failure('STANDBY_CHANGED', message, { source, standby: target, state })
  }
  const at = new Date().toISOString()
  let record: StandbyRecord | null = await ledger.noteComparison({ source, target, note: { kind: 'asked', at } })
  const former = record.compared?.last?.startedAt
  for (let shown = ''; !signal.aborted; record = await ledger.getStandby({ source, target })) {
    const compared = record?.compared
    if (record === null || record.state === 'gone' || compared === undefined) throw unknown(source, target)
    const word = JSON.stringify(compared)
    if (word !== shown) onChange(compared)
    shown = word
    const { askedAt, running, last } = compared
    // told apart by when they began: clocks of others are not held against ours
    if (askedAt === null && running === null && last !== null && last.startedAt !== former) return last
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined)
  }
  return null
}

function only(standbys: readonly StandbyRecord[], source: string, standby: string | null): StandbyRecord {
  const there = standbys.filter((one) => one.source === source && one.state !== 'gone')
  const [first, another] = there.filter(({ target }) => standby === null || target === standby)
  if (first === undefined) throw unknown(source, standby)
  if (another === undefined) return first
  const message = `${source} has ${there.length} standbys; name one with --to: ${there.map(({ target }) => target).join(', ')}.`
  throw failure('OPTION_INVALID', message, { option: 'to', database: source })
}

function unknown(source: string, standby: string | null) {
  const which = standby === null ? 'no standby' : `no standby ${shownInput(standby)}`
  const message = `${shownInput(source)} has ${which}: "capstan standby list" shows which there are.`
  return failure('STANDBY_UNKNOWN', message, { source: cutInput(source) })
}
