/** One round of looks at a standby, about a minute: a connection to each side stays open meanwhile. Nothing that is out of reach ends a round, the ledger
 *  not either: without it nothing is written down, and so nothing is dropped. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../contracts/failures'
import type { Finding } from '../../contracts/operation'
import type { StandbyWatch } from '../../contracts/replicate'
import type { StandbyId, StandbyLook, StandbyRecord, UncarriedLook } from '../../contracts/standby'
import { ServerError } from '../../postgres/connect/errors'
import type { Session } from '../../postgres/connect/session'
import { readOnly } from '../../postgres/health/read-only'
import { readHistory } from '../../postgres/migrate/history'
import { readBound, readLines } from '../../postgres/migrate/schema-line'
import { copyProgress } from '../../postgres/replicate/copy-progress'
import { unguardedTables } from '../../postgres/replicate/guard'
import { type SeenSequences, undrawnSequences } from '../../postgres/replicate/sequence-margin'
import { indexesSetAside } from '../../postgres/replicate/set-aside'
import { shownList } from '../../postgres/replicate/tables'
import { uncarriedOf } from '../../postgres/replicate/uncarried'
import { beat, lastBeat } from '../../postgres/replicate/watch/beat'
import { dropAtRetention } from '../../postgres/replicate/watch/drop-at-retention'
import { judge } from '../../postgres/replicate/watch/judge'
import { lookAtSource, lookAtStandby as lookThere } from '../../postgres/replicate/watch/look'
import { schemaDiffers } from '../../postgres/replicate/watch/schema-differs'
import { type Sides, wholeLook } from '../../postgres/replicate/watch/whole-look'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openSession, withSession } from '../schema/open-session'
import { LACKS_FILES, lackingFiles, lackingLines } from './applied'
import { isDue } from './comparison-due'
import { publishedTables } from './published'
import { type Both, bothOf, type SideName, whoFollow } from './sides'

const ROUND_MS = 60_000
const LOOK_EVERY_MS = 3_000
/** After so many looks at a side that does not answer its cloud is asked where it is. */
const UNREACHED_MAX = 10

/** How much there is to copy the operation tells that waits for it. */
const NO_SIZES: ReadonlyMap<string, number> = new Map()

/** They go into the ledger's row of the standby with every look. */
const SEQUENCES_MAX = 200

/** What goes to no standby is lost with the source, so it is looked for more often than schemas are compared; and three catalogs are read for it. */
const UNCARRIED_EVERY_MS = 15_000
const UNCARRIED_MAX = 200

/** Its activities have no record: what opens a session shows whose it is. */
const WATCH = { operation: 'watch', step: 'look' } as const

export async function lookAtStandby(
  deps: ActivityDeps,
  watch: StandbyWatch & { readonly wholeRound?: boolean },
): Promise<{ gone: boolean; unreached: boolean; due: boolean }> {
  const { signal } = currentAct()
  const both = await bothOf(deps, watch.bundle)
  const round = new Round(deps, watch, both)
  try {
    for (const until = performance.now() + ROUND_MS; ; ) {
      const startedAt = performance.now()
      const record = await ledgerSays(() => deps.ledger.getStandby(both.id))
      if (record === null || record?.state === 'gone') return { gone: true, unreached: false, due: false }
      const due = record !== undefined && (await isToCompare(deps, record))
      if (record !== undefined) await round.look(record)
      if (round.unreached >= UNREACHED_MAX) return { gone: false, unreached: true, due }
      if (performance.now() >= until || (due && watch.wholeRound === false)) return { gone: false, unreached: false, due }
      await sleep(Math.max(0, LOOK_EVERY_MS - (performance.now() - startedAt)), undefined, { signal })
    }
  } finally {
    await round.close()
  }
}

/** Who declares that it is to be compared has it so from now on. */
async function isToCompare({ ledger }: ActivityDeps, record: StandbyRecord): Promise<boolean> {
  const { source, target, declared, compared } = record
  if (compared !== undefined || declared.compare === undefined) return isDue(record, Date.now())
  const note = { kind: 'awaited', at: new Date().toISOString() } as const
  await ledgerSays(() => ledger.noteComparison({ source, target, note }))
  return false
}

/** Undefined: it is away. What it refuses is told by its worker's log, and the next look asks again. */
async function ledgerSays<T>(asked: () => Promise<T>): Promise<T | undefined> {
  try {
    return await asked()
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'DEFECT') throw error
    currentAct().log?.('the ledger did not take part in a look at a standby', { code: error.code })
    return undefined
  }
}

class Round {
  /** Looks in a row in which a side did not answer. */
  unreached = 0
  readonly #open: Partial<Record<SideName, Session>> = {}
  /** Comparing both schemas reads whole catalogs: once in a round. */
  #compared = false
  #uncarriedMs = Number.NEGATIVE_INFINITY
  /** Undefined: not asked in this round. */
  #unguarded: readonly string[] | undefined
  #sampled = false
  /** Undefined: not asked in this round. */
  #lacking: readonly string[] | undefined

  constructor(
    private readonly deps: ActivityDeps,
    private readonly watch: StandbyWatch,
    private readonly both: Both,
  ) {}

  async look(record: StandbyRecord): Promise<void> {
    const at = new Date().toISOString()
    const { names } = record
    // the standby before the source: a beat that has arrived is then never younger than the source's clock
    const standby = await this.#ask('standby', async (session) => {
      const { subscription } = names
      const progress = (one: Session) => copyProgress(one, { subscription, sizes: NO_SIZES })
      const seen = await lookThere(session, { subscription, progress })
      return { ...seen, beat: await lastBeat(session), bound: await readBound(session) }
    })
    const copySlots = (typeof standby === 'string' ? null : standby.copySlots) ?? record.look?.copySlots ?? null
    const source = await this.#ask('source', async (session) => {
      const seen = await lookAtSource(session, { slot: names.slot, publication: names.publication, copySlots })
      // while writing moves nobody but the operation writes
      if (record.state !== 'switching') await this.#beat(session)
      return { ...seen, lines: await readLines(session) }
    })
    // the source after the standby: what it has stamped in between makes the standby wait a moment too long, and never too short
    const behindLine =
      typeof source === 'string' || typeof standby === 'string' ? undefined : lackingLines(source.lines, standby.bound)
    const differing = await this.#schemaDiffers(record, behindLine)
    this.unreached = typeof standby === 'string' || typeof source === 'string' ? this.unreached + 1 : 0
    const sequences = typeof source === 'string' ? undefined : await this.#sequences()
    const uncarried = typeof source === 'string' ? undefined : await this.#uncarried(record, { at, behindLine })
    const seen = { at, source, standby, schemaDiffers: differing, behindLine, sequences, uncarried }
    const look = wholeLook({ ...seen, before: record.look })
    const { findings, ...judged } = judge(record, look)
    await ledgerSays(async () => {
      await this.#settle(record, judged)
      await this.deps.ledger.noteLook({
        ...this.both.id,
        look: {
          ...look,
          findings: [...findings, ...this.#unpublished(look), ...this.#unguardedTold(record), ...this.#lackingTold(record)],
        },
      })
      if (judged.act === 'drop-slot') await this.#drop(record, copySlots)
    })
  }

  /** What the slot holds back is worth knowing whether this can be written or not. */
  async #beat(source: Session): Promise<void> {
    try {
      await beat(source)
    } catch (error) {
      if (!isPassing(error) || !source.open) throw error
      currentAct().log?.('the row by which a standby’s lag is seen could not be written', {
        database: this.both.id.source,
        said: error.message,
      })
    }
  }

  /** The state goes first: what is dropped afterwards is dropped of a standby that does not think that it follows. */
  async #settle(record: StandbyRecord, { state, reason }: Pick<StandbyRecord, 'state' | 'reason'>): Promise<void> {
    if (state === record.state && reason === record.reason) return
    const operation = state === record.state ? record.operation : null
    const at = new Date().toISOString()
    await this.deps.ledger.changeStandby({ ...this.both.id, from: record.state, to: state, reason, operation, at })
  }

  async #drop({ names: { slot } }: StandbyRecord, copySlots: string | null): Promise<void> {
    const { signal } = currentAct()
    await withSession(this.deps, this.#request('source', 'admin'), async (session) => {
      await dropAtRetention(session, { slot, copySlots, signal, recordSeeding: () => this.#stillToBeSeeded(this.both.id) })
    }).catch((error: unknown) => {
      // the next look finds the slot again
      if (!isPassing(error)) throw error
    })
  }

  async #stillToBeSeeded(id: StandbyId): Promise<void> {
    const record = await this.deps.ledger.getStandby(id)
    if (record?.state === 'to-be-seeded') return
    throw new Failure(
      'STANDBY_CHANGED',
      `The standby ${id.target} of ${id.source} is ${record?.state ?? 'gone'} by now: its slot stays.`,
    )
  }

  /** Their rows stay behind without a word. */
  #unpublished({ uncarried }: StandbyLook): Finding[] {
    const { tables = [] } = uncarried ?? {}
    const [first] = tables
    if (first === undefined) return []
    const { source, target } = this.both.id
    const message = `Tables that were made since are not published, and their rows are not on ${target}: ${tables.join(', ')}. For each: capstan standby reseed ${source} --to ${target} --table ${first}.`
    return [{ rule: 'not-published', message, measured: tables.length, allowed: 0 }]
  }

  /** Of an old writer, whose owner no grant keeps out. What was seen last stays, as below. */
  #unguardedTold({ look }: StandbyRecord): Finding[] {
    const rule = 'unguarded'
    if (this.#unguarded === undefined) return (look?.findings ?? []).filter((one) => one.rule === rule)
    if (this.#unguarded.length === 0) return []
    const { source, target } = this.both.id
    const message = `Whoever owns them could write on ${target}, which would be there alone: no guard is upon ${this.#unguarded.join(', ')}. capstan standby resume ${source} --to ${target} puts it there.`
    return [{ rule, message, measured: this.#unguarded.length, allowed: 0 }]
  }

  /** Files of rows have no line at which it would wait. What was seen last stays where the source does not answer: a failover tells of it. */
  #lackingTold({ look }: StandbyRecord): Finding[] {
    const rule = LACKS_FILES
    if (this.#lacking === undefined) return (look?.findings ?? []).filter((one) => one.rule === rule)
    if (this.#lacking.length === 0) return []
    const { source, target } = this.both.id
    const message = `${target} has not ${shownList(this.#lacking)} in its history, which ${source} has applied: as the writer it would run that again, and until then no schemas are compared. "capstan standby resume ${source} --to ${target}" carries it over.`
    return [{ rule, message, measured: this.#lacking.length, allowed: 0 }]
  }

  /** Once in a round, and once rows are no longer copied: until then indexes are set aside. While files are carried over both differ by what is under way. */
  async #schemaDiffers({ state, look }: StandbyRecord, behindLine: Sides['behindLine']): Promise<readonly string[] | null> {
    const { source, standby } = this.#open
    const following = state === 'following' || state === 'late'
    if (behindLine != null) return null
    if (source === undefined || standby === undefined || !following || this.#compared) return look?.schemaDiffers ?? null
    try {
      this.#lacking = await filesLacking(source, standby)
      if (this.#lacking.length > 0) return null
      const setAside = new Set((await indexesSetAside(standby)).map(({ id }) => id))
      const withoutGrantee = whoFollow(this.both.request.declared)
      const found = await schemaDiffers({ source, standby }, { setAside, withoutGrantee, signal: currentAct().signal })
      // a file that came in between
      if (found.length > 0 && !(await isInStep(source, standby))) return null
      this.#unguarded = (await unguardedTables(standby)) ?? []
      this.#compared = true
      return found
    } catch (error) {
      if (!isPassing(error)) throw error
      return look?.schemaDiffers ?? null
    }
  }

  /** For the day on which the source cannot be asked any more, too. Tables of a file that is on its way are published once it has come. */
  async #uncarried(
    { names }: StandbyRecord,
    { at, behindLine }: Pick<Sides, 'at' | 'behindLine'>,
  ): Promise<UncarriedLook | undefined> {
    const { source, standby } = this.#open
    const known = performance.now() - this.#uncarriedMs < UNCARRIED_EVERY_MS
    if (source === undefined || behindLine != null || known) return undefined
    try {
      const { published, missing } = await publishedTables(source, names)
      // it is being made, or is gone, which is told otherwise
      if (published.length === 0 && missing.length > 0) return undefined
      // a file that came in between
      if (missing.length > 0 && standby !== undefined && !(await isAtSameLine(source, standby))) return undefined
      const { largeObjects, unlogged } = await readOnly(source, () => uncarriedOf(source))
      this.#uncarriedMs = performance.now()
      return { at, tables: missing.slice(0, UNCARRIED_MAX), largeObjects, unlogged: unlogged.slice(0, UNCARRIED_MAX) }
    } catch (error) {
      if (!isPassing(error)) throw error
      return undefined
    }
  }

  /** Once in a round: for the day on which the source cannot be asked any more. */
  async #sequences(): Promise<SeenSequences | undefined> {
    const { source } = this.#open
    if (source === undefined || this.#sampled) return undefined
    try {
      const seen = await undrawnSequences(source, SEQUENCES_MAX)
      this.#sampled = true
      return seen
    } catch (error) {
      if (!isPassing(error)) throw error
      return undefined
    }
  }

  /** A sentence: why it could not be asked. */
  async #ask<T>(side: SideName, work: (session: Session) => Promise<T>): Promise<T | string> {
    try {
      const session = this.#open[side] ?? (await openSession(this.deps, this.#request(side, 'migrator')))
      this.#open[side] = session
      return await work(session)
    } catch (error) {
      if (!isPassing(error)) throw error
      await this.#open[side]?.close()
      delete this.#open[side]
      return `The ${side} could not be asked: ${error.message}`
    }
  }

  #request(side: SideName, role: 'admin' | 'migrator') {
    const address = this.watch.sides[side]
    return { ...WATCH, entry: this.both.entries[side], role, address, canary: false }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#open).map((session) => session.close()))
  }
}

async function isInStep(source: Session, standby: Session): Promise<boolean> {
  return (await isAtSameLine(source, standby)) && (await filesLacking(source, standby)).length === 0
}

async function isAtSameLine(source: Session, standby: Session): Promise<boolean> {
  const bound = await readBound(standby)
  return lackingLines(await readLines(source), bound) === null
}

async function filesLacking(source: Session, standby: Session): Promise<readonly string[]> {
  const [there, here] = [await readHistory(source), await readHistory(standby)]
  return lackingFiles(there.rows, here.rows)
}

/** What a server or the way to it said. An aborted round is none of these. */
const isPassing = (error: unknown): error is Error =>
  error instanceof ServerError || (error instanceof Failure && error.code !== 'DEFECT')
