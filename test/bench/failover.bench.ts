/** How long nobody can write once a source counts as dead: from the moment at which it is declared so until the standby accepts a write, and until a client of the
 *  endpoint is served. The source is on RDS: stopped before, so that there is nothing to be had of its cloud but its word; or standing still until its cloud is told
 *  to fence it, which is the longest way: its networks are closed, its server is stopped, and both are proven. Each round has a pair of its own, since there is no way back. Prints p50 and p99 of CAPSTAN_BENCH_ROUNDS (10), by steps, and for
 *  each activity how long it took in all, with what Temporal and the wait for the cloud added. docs/decisions/0032-the-source-is-dead.md. */
import { FAILOVER_DOCUMENTS, type FailoverFence, type FailoverPlan, FAILOVER_STEPS as STEPS } from '../../contracts/failover'
import type { OperationDocument } from '../../contracts/operation'
import { until } from '../support/eventually'
import { labDoor } from '../support/lab'
import { Switching } from '../support/switching'

const ROUNDS = Number(process.env.CAPSTAN_BENCH_ROUNDS ?? 10)

const PARTS = ['plan', 'fence', 'drain', 'open', 'move'] as const

interface Round {
  readonly totals: Readonly<Record<'to an accepted write' | 'to a client served', number>>
  readonly steps: Readonly<Record<string, number>>
  /** By name: from when it was ordered until it had ended, all attempts together, and the attempts. */
  readonly acts: ReadonlyMap<string, { readonly ms: number; readonly attempts: number; readonly calls: number }>
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0
}

async function actsOf({ capstan }: Switching, operation: string, since: number): Promise<Round['acts']> {
  const { events } = await capstan.temporal.workflow.getHandle(operation).fetchHistory()
  const ms = (time: unknown): number => {
    const { seconds, nanos } = time as { seconds: unknown; nanos: number }
    return Number(seconds) * 1000 + nanos / 1e6
  }
  const scheduled = new Map<number, { name: string; at: number }>()
  const attempts = new Map<number, number>()
  const acts = new Map<string, { ms: number; attempts: number; calls: number }>()
  for (const { eventId, eventTime, ...event } of events ?? []) {
    const { activityTaskScheduledEventAttributes: asked, activityTaskStartedEventAttributes: begun } = event
    if (asked) scheduled.set(Number(eventId), { name: asked.activityType?.name ?? '', at: ms(eventTime) })
    if (begun) attempts.set(Number(begun.scheduledEventId), begun.attempt ?? 1)
    const ended = event.activityTaskCompletedEventAttributes ?? event.activityTaskFailedEventAttributes
    const of = scheduled.get(Number(ended?.scheduledEventId))
    if (!ended || of === undefined || of.at < since) continue
    const known = acts.get(of.name) ?? { ms: 0, attempts: 0, calls: 0 }
    const took = { ms: known.ms + ms(eventTime) - of.at, calls: known.calls + 1 }
    acts.set(of.name, { ...took, attempts: known.attempts + (attempts.get(Number(ended.scheduledEventId)) ?? 1) })
  }
  return acts
}

function stepsOf({ steps }: OperationDocument, declared: number): Record<string, number> {
  const of = (id: string) => steps.find((step) => step.id === id)
  let before = declared
  return Object.fromEntries(
    PARTS.map((part) => {
      const ended = Date.parse(of(STEPS[part].id)?.finishedAt ?? '')
      const took = ended - before
      before = ended
      return [part, took]
    }),
  )
}

/** What comes to pass before; resolves to what is done once its cloud is about to be told. */
type Death = (it: Switching) => Promise<() => Promise<void>>

const DEATHS: Readonly<Record<string, Death>> = {
  'stopped before': async ({ pair }) => {
    await pair.stopSource()
    return async () => undefined
  },
  'standing still until it is fenced': async ({ capstan }) => {
    const lab = labDoor(capstan)
    const frozen = await lab.order({ cloud: 'aws', kind: 'freeze-instance', instance: 'stock', for: '1h' })
    return () => lab.withdraw(frozen)
  },
}

async function round(number: number, die: Death): Promise<Round> {
  const it = await Switching.start('gcp')
  try {
    await it.isFollowing('stock', it.pair.name)
    await it.writesGoOn()
    const id = `failover-${number}`
    const amidst = await die(it)
    const running = it.ended(id, 'failover', 'stock', '--to', it.pair.name, '--patience', '2s', '--accept-loss', '1h')
    await until('its cloud to be about to be told', async () => (await it.capstan.ledger.listFences()).length > 0)
    await amidst()
    const operation = await running
    if (operation.status !== 'succeeded') throw new Error(`${id} ended ${operation.status}: ${operation.failure?.message}`)
    await it.writesGoOn()
    const plan = (await it.capstan.ledger.getDocument({ operation: id, name: FAILOVER_DOCUMENTS.plan })) as FailoverPlan
    const declared = Date.parse(plan.probed.declaredAt)
    const written = it.firstAcceptedAfter('standby', declared) ?? Number.NaN
    // what stood still may have acknowledged something until it was stopped
    const fenced = (await it.capstan.ledger.getDocument({ operation: id, name: FAILOVER_DOCUMENTS.fenced })) as FailoverFence
    const served = [...it.bank.times.values()].find((at) => at > Date.parse(fenced.at)) ?? Number.NaN
    return {
      totals: { 'to an accepted write': written - declared, 'to a client served': served - declared },
      steps: stepsOf(operation, declared),
      acts: await actsOf(it, id, declared),
    }
  } finally {
    await it.close()
  }
}

function line(name: string, values: readonly number[], more = ''): string {
  const shown = [0.5, 0.99].map((share) => percentile(values, share).toFixed(0).padStart(8))
  return `  ${name.padEnd(34)}${shown.join('')} ms${more}\n`
}

test.each(Object.keys(DEATHS))(
  'from declared dead to a write: %s',
  async (how) => {
    const die = DEATHS[how]
    if (die === undefined) throw new Error(`nobody dies ${how}`)
    const rounds: Round[] = []
    for (let number = 1; number <= ROUNDS; number += 1) rounds.push(await round(number, die))
    const first = rounds[0]
    const ofTotals = (Object.keys(first?.totals ?? {}) as (keyof Round['totals'])[]).map((name) =>
      line(
        name,
        rounds.map(({ totals }) => totals[name]),
      ),
    )
    const ofSteps = PARTS.map((part) =>
      line(
        `step ${part}`,
        rounds.map(({ steps }) => steps[part] ?? 0),
      ),
    )
    const names = [...new Set(rounds.flatMap(({ acts }) => [...acts.keys()]))]
    const ofActs = names.map((name) => {
      const all = rounds.map(({ acts }) => acts.get(name))
      const mean = (of: 'calls' | 'attempts') => all.reduce((sum, one) => sum + (one?.[of] ?? 0), 0) / rounds.length
      const more = `   ${mean('calls').toFixed(1)} times, ${mean('attempts').toFixed(1)} attempts`
      return line(
        name,
        all.map((one) => one?.ms ?? 0),
        more,
      )
    })
    process.stdout.write(
      `\n${ROUNDS} failovers of a source on RDS, ${how}, from declared dead (p50, p99)\n${ofTotals.join('')}${ofSteps.join('')}each activity, some of them at once\n${ofActs.join('')}`,
    )
  },
  3_600_000,
)
