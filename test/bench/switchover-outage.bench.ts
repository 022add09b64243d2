/** For how long clients cannot write while writing moves between two clouds of the lab, there and back by turns: the longest time between two acknowledged commits of
 *  four writers, and where it goes. Directly, by clients who connect again at once, and behind two PgBouncers, whose clients wait. Prints p50 and p99 of
 *  CAPSTAN_BENCH_ROUNDS (30), the parts of the medians, and how many errors clients saw. docs/decisions/0028-guests-of-a-fence.md. */
import type { OperationDocument } from '../../contracts/operation'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import { describeWithPgBouncer } from '../support/pgbouncer'
import { pooledFront } from '../support/pooled'
import { type Front, Switching } from '../support/switching'

const ROUNDS = Number(process.env.CAPSTAN_BENCH_ROUNDS ?? 30)

/** In its order: from the last commit on the old writer to the first on the new one. */
const PARTS = [
  'held, and about to close',
  'close',
  'prove',
  'drain',
  'sequences',
  'compare',
  'wayBack',
  'until the step is over',
  'move',
  'open',
  'resume',
  'until a commit',
] as const
type Part = (typeof PARTS)[number]

interface Round {
  readonly gapMs: number
  readonly parts: Readonly<Record<Part, number>>
}

interface Crossing {
  readonly closingAt: string
  readonly closedMs: number
  readonly tookMs: Readonly<Record<'close' | 'prove' | 'drain' | 'sequences' | 'compare' | 'wayBack', number>>
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0
}

/** Where the gap is longest. */
function longestGap(at: readonly number[], since: number): { from: number; to: number } {
  const first = at.findIndex((one) => one >= since)
  let longest = { from: since, to: since }
  for (let n = Math.max(1, first); n < at.length; n += 1) {
    const [from = 0, to = 0] = [at[n - 1], at[n]]
    if (to - from > longest.to - longest.from) longest = { from, to }
  }
  return longest
}

function roundOf(
  { steps }: OperationDocument,
  { closingAt, closedMs, tookMs }: Crossing,
  gap: { from: number; to: number },
): Round {
  const ended = (id: string) => Date.parse(steps.find((step) => step.id === id)?.finishedAt ?? '')
  const closing = Date.parse(closingAt)
  const parts = {
    ...tookMs,
    'held, and about to close': closing - gap.from,
    'until the step is over': ended('cross') - closing - closedMs,
    move: ended('move') - ended('cross'),
    open: ended('open') - ended('move'),
    resume: ended('resume') - ended('open'),
    'until a commit': gap.to - ended('resume'),
  }
  return { gapMs: gap.to - gap.from, parts }
}

async function measured(name: string, front: Front | undefined): Promise<void> {
  const it = await Switching.start('gcp', front === undefined ? {} : { front })
  try {
    let [writer, follower] = ['stock', it.pair.name]
    const rounds: Round[] = []
    for (let round = 1; round <= ROUNDS; round += 1) {
      await it.isFollowing(writer, follower)
      await it.writesGoOn()
      const since = Date.now()
      const id = `outage-${round}`
      const operation = await it.ended(id, 'switchover', writer, '--to', follower, '--unproven')
      if (operation.status !== 'succeeded')
        throw new Error(`${id} ended ${operation.status}: ${operation.failure?.message ?? JSON.stringify(operation.steps)}`)
      await it.writesGoOn()
      const crossing = (await it.capstan.ledger.getDocument({ operation: id, name: SWITCHOVER_DOCUMENTS.crossing })) as Crossing
      rounds.push(roundOf(operation, crossing, longestGap([...it.bank.times.values()], since)))
      ;[writer, follower] = [follower, writer]
    }
    await it.isWholeOnBothSides()
    const gaps = rounds.map(({ gapMs }) => gapMs)
    const lines = PARTS.map((part) => {
      const of = rounds.map(({ parts }) => parts[part])
      return `  ${part.padEnd(26)}${percentile(of, 0.5).toFixed(0).padStart(7)}${percentile(of, 0.99).toFixed(0).padStart(9)} ms`
    })
    process.stdout.write(
      `\n${name}: ${ROUNDS} switchovers, 4 writers, ${it.bank.acknowledged.size} acknowledged, ${it.bank.errors.length} errors that clients saw\n` +
        `  ${'longest gap'.padEnd(26)}${percentile(gaps, 0.5).toFixed(0).padStart(7)}${percentile(gaps, 0.99).toFixed(0).padStart(9)} ms   (p50, p99)\n${lines.join('\n')}\n`,
    )
  } finally {
    await it.close()
  }
}

describeWithPgBouncer('behind PgBouncer', () => {
  test('the outage that clients see', () => measured('behind PgBouncer', pooledFront()), 3_600_000)
})

test('the outage that clients see who connect again', () => measured('connecting again', undefined), 3_600_000)
