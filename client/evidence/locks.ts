/** What each statement locked on the canary and for how long. Locks that hold up the application come first, against the limit. */
import type { EvidenceDocument, StatementRecord } from '../../ledger/evidence-document'
import { blocksWrites } from '../../postgres/observe/lock-modes'
import { chosenDuration, duration, grouped } from '../quantities'
import { axis, type Bar, bar, type Scale, scaleTo } from './bars'
import { each, type Html, html } from './html'

type HeldLock = StatementRecord['locks'][number]

interface Held {
  readonly lock: HeldLock
  readonly by: StatementRecord
}

export function locksOf({ documents: { rehearsal }, request }: EvidenceDocument): Html | null {
  if (rehearsal === undefined) return null
  const limitMs = request?.policy.limits.writeBlockMsMax ?? null
  const all = rehearsal.records.flatMap((by) => by.locks.map((lock): Held => ({ lock, by })))
  const blocking = all.filter(({ lock }) => blocksWrites(lock.mode))
  const mild = all.filter(({ lock }) => !blocksWrites(lock.mode))
  const rates = rehearsal.writesPerSecond
  return html`<section>
<h2>Locks</h2>
<p class="lead">The strongest lock that each statement was the first to take on a table which existed before, measured on the canary, a restored copy of the target: inside a transaction from the statement's start to the commit, outside one for as long as samples each 10 ms showed it (≈).</p>
<h3>Those that hold up the application</h3>
${
  blocking.length === 0
    ? html`<p class="empty">None: nothing that was rehearsed makes a write or a read of these tables wait.</p>`
    : html`<p class="key"><span class="swatch reads"></span>reads and writes wait <span class="swatch writes"></span>writes wait${limitMs !== null && html` <span class="swatch limit"></span>${chosenDuration(limitMs)}, which the policy allows`}${limitMs === null && request !== undefined && ' · the policy sets no limit'}</p>${table(blocking, scaleOf(blocking, limitMs), { limitMs, rates })}`
}
${
  mild.length > 0 &&
  html`<h3>Those that let reads and writes through</h3>
<p class="lead">As far as the table goes: the rows that a statement changed stay locked until its commit as well.</p>
${table(mild, scaleOf(mild, null), { limitMs: null, rates: {} })}`
}
</section>`
}

/** The limit is part of the picture unless the locks would vanish beside it. */
function scaleOf(held: readonly Held[], limitMs: number | null): Scale {
  const longest = held.reduce((most, { lock }) => Math.max(most, lock.heldMs), 0)
  return scaleTo(Math.max(longest, limitMs === null || limitMs > longest * 1000 ? 0 : limitMs * 1.05))
}

function table(
  held: readonly Held[],
  scale: Scale,
  { limitMs, rates }: { limitMs: number | null; rates: Readonly<Record<string, number>> },
): Html {
  return html`<div class="wide"><table class="locks">
<thead><tr><th scope="col">Statement and table</th><th scope="col" class="chart">${axis(scale)}</th><th scope="col" class="number">Held</th><th scope="col">Mode</th></tr></thead>
<tbody>${each(held, ({ lock, by }) => {
    const over = limitMs !== null && lock.heldMs > limitMs
    const length = `${lock.sampled ? '≈ ' : ''}${duration(lock.heldMs)}`
    const label = `${lock.relation}, ${lock.mode}, ${length}${over ? ', over the limit' : ''}`
    return html`<tr class="${over ? 'over' : 'within'}">
<th scope="row"><code>${lock.relation}</code><small>${by.script}:${by.line} ${by.kind}</small></th>
<td class="chart">${bar({ fromMs: 0, lengthMs: lock.heldMs, tone: toneOf(lock), label }, scale, limitMs)}</td>
<td class="number">${length}${over && html`<small class="bad">over the limit</small>`}</td>
<td class="word">${lock.mode}${estimate(lock, rates)}</td>
</tr>`
  })}</tbody>
</table></div>`
}

function toneOf({ mode }: HeldLock): Bar['tone'] {
  if (mode === 'ACCESS EXCLUSIVE') return 'reads'
  return blocksWrites(mode) ? 'writes' : 'mild'
}

function estimate(lock: HeldLock, rates: Readonly<Record<string, number>>): Html | null {
  const rate = Object.hasOwn(rates, lock.relation) ? rates[lock.relation] : undefined
  if (rate === undefined) return null
  const writes = Math.round((rate * lock.heldMs) / 1000)
  return html`<small>about ${grouped(writes)} ${writes === 1 ? 'write' : 'writes'} would have waited, at ${grouped(rate)} a second</small>`
}
