/** What goes wrong while writing is to move by a switchover, and when: at a step that chance names, or a moment later. Each is ordered in the lab, done to its servers or to the worker,
 *  and taken back when the operation has ended. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FINAL_STATUSES, type OperationStatus } from '../../contracts/operation'
import { SWITCHOVER_STEPS } from '../../contracts/switchover'
import { eventually, until } from '../support/eventually'
import { isAt } from '../support/migrating'
import type { Chance } from './chance'
import { type Ground, on, type Place, type Standing } from './ground'

export interface Struck extends Standing {
  readonly ground: Ground
  readonly operation: string
  /** What names of its writers begin with. */
  readonly run: string
  /** Of the step at which it is aborted; null: it is not. What comes later is not reached. */
  readonly abortedAt: string | null
  readonly chance: Chance
}

/** Of a transaction that never commits: the checker finds it where it did. */
const never = (run: string): string =>
  `INSERT INTO public.transfers (ticket, key, writer, seq, payer, payee, amount, server) VALUES (0, '${run}/never', '${run}/never', 1, 1, 2, 0, '')`

/** Takes it back. Safe where it has never struck. */
export type Heal = () => Promise<void>

export interface Fault {
  /** Every second writer commits asynchronously. Not where a server may die: then PostgreSQL itself loses what it acknowledged. */
  readonly asynchronous: boolean
  /** Besides `aborted`, for an operation that is aborted. */
  readonly ends: readonly OperationStatus[]
  /** Of its writers; absent: as applications are. */
  readonly patienceMs?: number
  /** What it stops for is refused, and not tried again unasked: a person has it tried again once it is healed. */
  readonly parks?: true
  /** More of the command line. */
  readonly words?: readonly string[]
  /** Before the operation begins. */
  readonly before?: (struck: Struck) => Promise<Heal>
  /** While it runs; ends when it has struck, or the operation is over. */
  readonly during?: (struck: Struck) => Promise<Heal>
}

const STEPS = ['compare', 'papers', 'wayBack', 'cross', 'move', 'open', 'follow', 'turn'] as const
type Step = (typeof STEPS)[number]
const BEFORE_FENCE = ['compare', 'papers', 'wayBack'] as const satisfies readonly Step[]
const ACTIVITIES = [
  'planFence',
  'planSwitchover',
  'compareBoth',
  'writePapers',
  'prepareWayBack',
  'fenceAndDrain',
  'recordMoved',
  'moveEndpoint',
  'openToApplications',
  'letOldFollow',
  'turnStandby',
] as const
const MOVED_OR_NOT = ['succeeded', 'failed'] as const
export const NOTHING: Heal = async () => undefined

/** Resolves to false when the operation ended without it. */
export async function reaches({ ground, operation }: Struck, step: string): Promise<boolean> {
  let there = false
  await until(
    `${step} of ${operation}`,
    async () => {
      const record = await ground.capstan.ledger.getOperation(operation)
      there = isAt(record, step, 'running') || isAt(record, step, 'done')
      return there || (record !== null && FINAL_STATUSES.includes(record.status))
    },
    25,
  )
  return there
}

async function moment(struck: Struck, steps: readonly [Step, ...Step[]], withinMs = 300): Promise<boolean> {
  const last = STEPS.findIndex((step) => SWITCHOVER_STEPS[step].id === struck.abortedAt)
  const [first, ...more] = last < 0 ? steps : steps.filter((step) => STEPS.indexOf(step) <= last)
  const step = struck.chance.of([first ?? STEPS[Math.max(0, last)] ?? steps[0], ...more])
  const waits = struck.chance.below(withinMs)
  if (!(await reaches(struck, SWITCHOVER_STEPS[step].id))) return false
  await sleep(waits)
  return true
}

export async function ordered({ ground: { lab } }: Struck, fault: Readonly<Record<string, unknown>>): Promise<Heal> {
  await lab.order(fault)
  return () => lab.withdrawAll()
}

/** What is undone waits for the fault to end, as it would in life: it ends by itself, and not with the operation. */
export function after(ms: number, end: () => Promise<unknown>): Heal {
  const ended = sleep(ms).then(end)
  ended.catch(() => undefined)
  return async () => void (await ended)
}

/** Of two workers the one that works at it. */
export async function workerOf({ ground: { capstan }, operation }: Struck): Promise<number | null> {
  const { raw } = await capstan.temporal.workflow.getHandle(operation).describe()
  const works = raw.pendingActivities?.flatMap(({ lastWorkerIdentity }) => Number.parseInt(lastWorkerIdentity ?? '', 10) || [])[0]
  return works ?? capstan.stack.worker.pid()
}

/** For as long as the other worker takes to notice, and goes on with it. */
export async function standsStill(struck: Struck): Promise<Heal> {
  const pid = await workerOf(struck)
  if (pid === null) return NOTHING
  signal(pid, 'SIGSTOP')
  return after(5_000, async () => signal(pid, 'SIGCONT'))
}

/** Of one of the clouds. */
export function callsGoWrong(struck: Struck, of: readonly [Place, ...Place[]]): Promise<Heal> {
  const { chance } = struck
  const { cloud } = chance.of(of)
  const kind = chance.of([
    { kind: 'drop-response', times: 1 },
    { kind: 'throttle', times: 3 },
    { kind: 'delay', delay: '400ms', times: 3 },
    { kind: 'hang', for: '2s' },
    { kind: 'deliver-twice', heard: 'second', times: 3 },
  ])
  return ordered(struck, { ...kind, cloud, instance: 'stock' })
}

const seconds = (chance: Chance, from: number, to: number): string =>
  `${Math.round(1000 * (from + chance.share() * (to - from)))}ms`

export async function walsenderOf({ target }: Place): Promise<number | undefined> {
  const [sender] = await on<{ pid: number }>(target.admin, 'SELECT active_pid AS pid FROM pg_replication_slots WHERE active')
  return sender?.pid
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // it has ended
  }
}

export const FAULTS = {
  none: { asynchronous: true, ends: ['succeeded'] },

  'worker dies': {
    asynchronous: true,
    ends: ['succeeded'],
    async before({ ground: { capstan }, chance }) {
      if (chance.below(3) === 0) return NOTHING
      const failpoint = `${chance.of(ACTIVITIES)}#1:${chance.of(['before', 'after'])}`
      capstan.arm(failpoint)
      return async () => void capstan.disarm(failpoint)
    },
    async during(struck) {
      if (struck.chance.below(3) === 0 && (await moment(struck, STEPS))) await struck.ground.capstan.killWorker()
      return NOTHING
    },
  },

  /** Another takes over, and then the one that stood still wakes up in the midst of what it did. */
  'worker stands still': {
    asynchronous: true,
    ends: MOVED_OR_NOT,
    async before({ ground: { capstan } }) {
      const spare = await capstan.spareWorker()
      return () => spare.kill()
    },
    async during(struck) {
      if (!(await moment(struck, STEPS))) return NOTHING
      return standsStill(struck)
    },
  },

  'calls go wrong': {
    asynchronous: true,
    ends: ['succeeded'],
    before: (struck) => callsGoWrong(struck, [struck.writer, struck.follower]),
  },

  'walsender stands still': {
    asynchronous: true,
    ends: MOVED_OR_NOT,
    words: ['--drain-within', '1s'],
    async during(struck) {
      if (!(await moment(struck, ['wayBack', 'cross']))) return NOTHING
      const pid = await walsenderOf(struck.writer).catch(() => undefined)
      if (pid === undefined) return NOTHING
      signal(pid, 'SIGSTOP')
      // longer than the way back is waited for, where nothing else ends the crossing
      return after(12_000, async () => signal(pid, 'SIGCONT'))
    },
  },

  'standby cannot apply': {
    asynchronous: true,
    ends: MOVED_OR_NOT,
    words: ['--drain-within', '3s'],
    async during(struck) {
      const { follower } = struck
      if (!(await moment(struck, ['wayBack', 'cross']))) return NOTHING
      await on(follower.target.migrator, 'ALTER TABLE public.transfers RENAME TO gone').catch(() => undefined)
      return after(5_000, () => on(follower.target.migrator, 'ALTER TABLE IF EXISTS public.gone RENAME TO transfers'))
    },
  },

  'link is cut': {
    asynchronous: true,
    ends: MOVED_OR_NOT,
    words: ['--drain-within', '4s'],
    async during(struck) {
      const { chance, writer, follower } = struck
      if (!(await moment(struck, STEPS))) return NOTHING
      const [from, to] = chance.of([
        [writer.cloud, follower.cloud],
        [follower.cloud, writer.cloud],
      ] as const)
      return ordered(struck, { kind: 'cut-link', from, to, ways: chance.of(['one', 'both']), for: seconds(chance, 0.5, 3) })
    },
  },

  'server stands still': {
    asynchronous: true,
    ends: MOVED_OR_NOT,
    async during(struck) {
      const { chance, writer, follower } = struck
      if (!(await moment(struck, STEPS))) return NOTHING
      const { cloud } = chance.of([writer, writer, follower])
      return ordered(struck, { kind: 'freeze-instance', cloud, instance: 'stock', for: seconds(chance, 0.5, 3) })
    },
  },

  'server crashes': {
    asynchronous: false,
    ends: MOVED_OR_NOT,
    async during(struck) {
      const { chance, writer, follower } = struck
      if (!(await moment(struck, STEPS))) return NOTHING
      return ordered(struck, { kind: 'crash-instance', cloud: chance.of([writer, follower]).cloud, instance: 'stock' })
    },
  },

  'transaction is open': {
    asynchronous: true,
    ends: ['succeeded'],
    async before({ writer: { target }, run }) {
      const session = await target.app()
      await session.execute(`BEGIN; ${never(run)}`)
      return () => session.close().catch(() => undefined)
    },
  },

  'transaction is prepared': {
    asynchronous: true,
    ends: MOVED_OR_NOT,
    async during(struck) {
      const { target } = struck.writer
      if (!(await moment(struck, BEFORE_FENCE))) return NOTHING
      const sql = `BEGIN; ${never(struck.run)}; PREPARE TRANSACTION 'bank'`
      const session = await target.app().catch(() => null)
      await session?.execute(sql).catch(() => undefined)
      await session?.close().catch(() => undefined)
      return async () => {
        const [left] = await on(target.admin, "SELECT 1 FROM pg_prepared_xacts WHERE gid = 'bank'")
        if (left === undefined) return
        const closing = await target.app()
        await closing.execute("ROLLBACK PREPARED 'bank'").finally(() => closing.close())
      }
    },
  },

  'disk is full': {
    asynchronous: false,
    ends: MOVED_OR_NOT,
    parks: true,
    async during(struck) {
      const { chance, follower } = struck
      if (!(await moment(struck, [...BEFORE_FENCE, 'cross', 'open']))) return NOTHING
      return ordered(struck, { kind: 'fill-disk', cloud: follower.cloud, instance: 'stock', for: seconds(chance, 1, 3) })
    },
  },

  'schema changes': {
    asynchronous: true,
    ends: MOVED_OR_NOT,
    words: ['--drain-within', '3s'],
    async during(struck) {
      const { chance, writer, follower } = struck
      if (!(await moment(struck, ['compare', 'papers', 'wayBack', 'cross']))) return NOTHING
      const sql = `ALTER TABLE public.transfers ADD COLUMN IF NOT EXISTS later_${chance.below(1e6)} int`
      await on(writer.target.migrator, sql).catch(() => undefined)
      return after(5_000, async () => {
        for (const { target } of [writer, follower])
          await eventually('the column', () => on(target.migrator, sql).catch(() => undefined))
      })
    },
  },

  'slot is gone': {
    asynchronous: true,
    ends: MOVED_OR_NOT,
    words: ['--drain-within', '3s'],
    async during(struck) {
      const { writer, ground } = struck
      if (!(await moment(struck, BEFORE_FENCE, 100))) return NOTHING
      const drop = `SELECT pg_terminate_backend(active_pid), pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${ground.slot()}'`
      await until(
        'the slot to be gone',
        async () => {
          await on(writer.target.admin, drop).catch(() => undefined)
          return (
            (await on(writer.target.admin, `SELECT 1 FROM pg_replication_slots WHERE slot_name = '${ground.slot()}'`)).length ===
            0
          )
        },
        1,
      ).catch(() => undefined)
      return NOTHING
    },
  },
} as const satisfies Readonly<Record<string, Fault>>
