/** The new writer, looked at each few seconds once writing has moved there: whether applications are there and fare as before, whether the old writer follows, and whether anybody is
 *  still turned away on it. Reads only, and nothing that is out of reach fails it: that is told. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../contracts/failures'
import type { Finding } from '../../contracts/operation'
import type { FollowedSeen, Observed, TrafficSeen } from '../../contracts/switchover'
import type { Session } from '../../postgres/connect/session'
import { KEYHOLE } from '../../postgres/fence/keyhole'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { isAway } from '../replication/away'
import { masterOf, namesKept } from '../replication/keyhole'
import { looking } from '../replication/sides'
import type { SwitchoverActivities } from './contract'
import { turnedId } from './directions'
import { backUser, type Pair, pairOf } from './pair'

type Input = Parameters<SwitchoverActivities['observeWriter']>[0]

const LOOK_EVERY_MS = 3_000
/** Fewer are no sign of anything. */
const ROLLED_BACK_MIN = 20
/** As a part of all transactions, and times as many as before. */
const SHARE_MIN = 0.05
const TIMES = 3

type Slice = Awaited<ReturnType<SwitchoverActivities['observeWriter']>>

export async function observeWriter(deps: ActivityDeps, input: Input): Promise<Slice> {
  const pair = await pairOf(deps, input)
  const { signal, keep, kept } = currentAct()
  // of an attempt that died amid it
  let seen = (kept as Observed | undefined) ?? input.seen
  try {
    for (const until = performance.now() + input.forMs; ; ) {
      const began = performance.now()
      seen = await oneLook(deps, pair, seen)
      keep?.(seen)
      if (performance.now() >= until) break
      await sleep(Math.max(0, Math.min(LOOK_EVERY_MS - (performance.now() - began), until - performance.now())), undefined, {
        signal,
      })
    }
  } catch (error) {
    // somebody ended it, and is told what was seen until then
    if (!signal.aborted || seen === null) throw error
  }
  return { seen, findings: findingsOf(seen) }
}

async function oneLook(deps: ActivityDeps, pair: Pair, before: Observed | null): Promise<Observed> {
  const { source, standby } = pair.places
  const [writer, old, follows] = await Promise.all([
    unlessAway(() => looking(deps, standby, 'admin', (session) => writerSeen(session, pair))),
    unlessAway(() => oldSeen(deps, pair)),
    pair.oneWay ? null : followedSeen(deps, pair),
  ])
  // who was cut off by the end of the looking is not silent
  currentAct().signal.throwIfAborted()
  return {
    version: 1,
    looks: (before?.looks ?? 0) + 1,
    silent: (before?.silent ?? 0) + (writer === null ? 1 : 0),
    sessionsMax: Math.max(before?.sessionsMax ?? 0, writer?.sessions ?? 0),
    writer: between(before?.writer ?? null, writer),
    old: between(before?.old ?? null, old),
    oldSilent: (before?.oldSilent ?? 0) + (old === null ? 1 : 0),
    follows: follows === null ? null : followedBetween(before?.follows ?? null, follows),
    names: { writer: standby.entry.name, old: source.entry.name },
  }
}

/** `since`: the first, `now`: the newest; a server whose statistics were reset meanwhile begins anew. */
function between(before: Observed['writer'], now: TrafficSeen | null): Observed['writer'] {
  if (now === null) return before
  const counts = before !== null && now.commits >= before.since.commits && now.rollbacks >= before.since.rollbacks
  return { since: counts ? before.since : now, now }
}

const TRAFFIC = `SELECT xact_commit::bigint AS commits, xact_rollback::bigint AS rollbacks, deadlocks::bigint AS deadlocks FROM pg_catalog.pg_stat_database WHERE datname = $1`

async function trafficOf(session: Session, database: string): Promise<TrafficSeen | null> {
  const [row] = await session.query<TrafficSeen & Record<string, unknown>>(TRAFFIC, [database])
  return row === undefined
    ? null
    : { commits: Number(row.commits), rollbacks: Number(row.rollbacks), deadlocks: Number(row.deadlocks) }
}

async function writerSeen(session: Session, pair: Pair): Promise<(TrafficSeen & { readonly sessions: number }) | null> {
  const { entry } = pair.places.standby
  const seen = await trafficOf(session, entry.database)
  const [row] = await session.query<{ sessions: number }>(
    `SELECT count(*)::int AS sessions FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
      WHERE a.datname = $1 AND a.backend_type = 'client backend' AND NOT r.rolsuper AND r.rolname <> ALL ($2::text[])`,
    [entry.database, namesKept(entry, backUser(pair))],
  )
  return seen === null ? null : { ...seen, sessions: row?.sessions ?? 0 }
}

/** From beside it, since it may let nobody in. Who is turned away there, by its grants, its guard or its fence, is a transaction that was rolled back. */
async function oldSeen(deps: ActivityDeps, { places: { source } }: Pair): Promise<TrafficSeen | null> {
  const session = await masterOf(deps, source)(KEYHOLE)
  return trafficOf(session, source.entry.database).finally(() => session.close())
}

/** As its watch says, which looks as often. */
async function followedSeen({ ledger }: ActivityDeps, { id }: Pair): Promise<FollowedSeen> {
  const record = await ledger.getStandby(turnedId(id))
  const look = record?.look ?? null
  return {
    state: record?.state ?? 'gone',
    reason: record?.reason ?? null,
    lookedAt: look?.at ?? null,
    unreached: look === null || (look.source !== null && look.target !== null) ? null : look.unreached.join(' '),
    lagMs: look?.lagMs ?? null,
    applyErrors: look?.target?.subscription?.applyErrors ?? null,
  }
}

function followedBetween(before: Observed['follows'], now: FollowedSeen): NonNullable<Observed['follows']> {
  const lags = [before?.lagMsMax, now.lagMs].filter((ms): ms is number => ms != null)
  const since = before?.since ?? new Date().toISOString()
  const not = againstFollowing(now, Date.now() - Math.max(Date.parse(since), Date.parse(now.lookedAt ?? since)))
  return {
    since,
    lagMsMax: lags.length === 0 ? null : Math.max(...lags),
    errorsSince: before?.errorsSince ?? now.applyErrors,
    errors: now.applyErrors ?? before?.errors ?? null,
    // a look that it did not follow in stays: it is what has to be told
    notFollowing: not ?? before?.notFollowing ?? null,
  }
}

/** Its watch looks every few seconds. One that does not, since nobody serves its queue, leaves what it wrote last, and a pair of a moment ago has none yet. */
const UNWATCHED_MS = 30_000

/** What it was instead; null: it followed, as far as was seen. */
function againstFollowing({ state, reason, unreached }: FollowedSeen, unwatchedMs: number): string | null {
  if (state !== 'following') return `${state}${reason === null ? '' : ` (${reason})`}`
  if (unwatchedMs > UNWATCHED_MS) return `not looked at by its watch for ${Math.round(unwatchedMs / 1_000)} s`
  return unreached === null ? null : `not to be asked (${unreached})`
}

async function unlessAway<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof Failure && isAway(error)) return null
    throw error
  }
}

/** Pure; `before`: of the old writer as long as it was the writer. */
export function findingsOf({ looks, silent, sessionsMax, writer, old, oldSilent, follows, names }: Observed): Finding[] {
  const found = (rule: string, message: string): Finding => ({ rule: `observe:${rule}`, message })
  const late = follows?.errors != null && follows.errorsSince != null ? follows.errors - follows.errorsSince : 0
  return [
    ...(silent === 0 ? [] : [found('silent', `${names.writer} did not answer ${silent} of ${looks} looks.`)]),
    ...(oldSilent === 0
      ? []
      : [
          found(
            'old-silent',
            `${names.old} did not answer ${oldSilent} of ${looks} looks: whether anybody is turned away there nobody knows of those.`,
          ),
        ]),
    ...(sessionsMax > 0 || silent === looks
      ? []
      : [found('nobody', `No application was seen in ${names.writer}: look where they are led.`)]),
    ...(writer === null ? [] : errorsOf(writer, old, names.writer).map((one) => found(one.rule, one.message))),
    ...(old === null || old.now.rollbacks === old.since.rollbacks
      ? []
      : [
          found(
            'turned-away',
            `${old.now.rollbacks - old.since.rollbacks} transactions were rolled back on ${names.old} since: somebody knows its address still, and is turned away.`,
          ),
        ]),
    ...(follows?.notFollowing == null
      ? []
      : [found('follows', `${names.old} did not follow all the time: it was ${follows.notFollowing}.`)]),
    ...(late > 0
      ? [found('apply-errors', `What came to ${names.old} could not be applied ${late === 1 ? 'once' : `${late} times`}.`)]
      : []),
  ]
}

function errorsOf(
  writer: NonNullable<Observed['writer']>,
  old: Observed['old'],
  name: string,
): { rule: string; message: string }[] {
  const deadlocks = writer.now.deadlocks - writer.since.deadlocks
  const rollbacks = writer.now.rollbacks - writer.since.rollbacks
  const share = shareOf({ rollbacks, commits: writer.now.commits - writer.since.commits })
  const before = old === null ? null : shareOf(old.since)
  const much = rollbacks >= ROLLED_BACK_MIN && share >= SHARE_MIN && (before === null || share > TIMES * before)
  const than = before === null ? 'what it was before nobody knows' : `${percent(before)} on the old writer before`
  return [
    ...(deadlocks > 0
      ? [{ rule: 'deadlocks', message: `${deadlocks === 1 ? 'A deadlock was' : `${deadlocks} deadlocks were`} met on ${name}.` }]
      : []),
    ...(much
      ? [
          {
            rule: 'rollbacks',
            message: `${percent(share)} of the transactions on ${name} were rolled back (${rollbacks}), ${than}.`,
          },
        ]
      : []),
  ]
}

const shareOf = ({ commits, rollbacks }: Pick<TrafficSeen, 'commits' | 'rollbacks'>): number =>
  commits + rollbacks === 0 ? 0 : rollbacks / (commits + rollbacks)
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
