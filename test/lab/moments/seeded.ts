/** Moments drawn by chance out of the time in which three writers commit without a pause, each restored by its cloud and held against what
 *  every writer knows: what was acknowledged before the moment is there, what was begun after it is not, and nothing is missing in between.
 *  Writers, server and moment have one clock, that of this machine; in doubt is only what was being committed at that very instant. */
import type { DrivenCloud } from '../driven/cloud'
import { Journal } from '../killed/journal'

const TABLES = ['journal', 'journal_b', 'journal_c']
const COMMITS_FIRST = 10

export interface Figures {
  readonly cloud: string
  readonly moments: number
  /** Commits that some moment could have had or not. */
  readonly inDoubt: number
  /** Of all three writers, when the last moment was restored. */
  readonly commits: number
  readonly seconds: number
}

/** @throws Error that names the seed, the moment and what is wrong with its copy. */
export async function provesMoments(
  cloud: DrivenCloud,
  { address, moments, seed }: { readonly address: string; readonly moments: number; readonly seed: number },
): Promise<Figures> {
  const startedAt = Date.now()
  await cloud.create('shop')
  await cloud.rested('shop')
  await cloud.letIn('shop')
  await cloud.rested('shop')
  const journals = TABLES.map((table) => new Journal(cloud, address, { table, pauseMs: 10 }))
  for (const journal of journals) await journal.begin('shop')
  try {
    await reachEach(journals, COMMITS_FIRST)
    const from = Date.now()
    let inDoubt = 0
    for (let n = 0; n < moments; n += 1) {
      await reachEach(journals, COMMITS_FIRST)
      const at = drawMoment(cloud, { from, until: Date.now(), chance: draw(seed + n) })
      inDoubt += await provesMoment(cloud, { journals, at, copy: `then-${n}`, about: `${cloud.name}, seed ${seed}, moment ${n}` })
    }
    const commits = journals.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
    return { cloud: cloud.name, moments, inDoubt, commits, seconds: Math.round((Date.now() - startedAt) / 1000) }
  } finally {
    await Promise.all(journals.map((journal) => journal.stop()))
  }
}

async function reachEach(journals: readonly Journal[], more: number): Promise<void> {
  await Promise.all(journals.map((journal) => journal.reaches(more)))
}

/** RDS takes whole seconds. */
function drawMoment({ name }: DrivenCloud, { from, until, chance }: { from: number; until: number; chance: number }): Date {
  const at = Math.round(from + (until - from) * chance)
  return new Date(name === 'aws' ? Math.ceil(at / 1000) * 1000 : at)
}

interface Proven {
  readonly journals: readonly Journal[]
  readonly at: Date
  readonly copy: string
  readonly about: string
}

/** Resolves to how many commits were in doubt. */
async function provesMoment(cloud: DrivenCloud, { journals, at, copy, about }: Proven): Promise<number> {
  await cloud.restoreToTime(copy, 'shop', at)
  if ((await cloud.rested(copy)) !== 'ready') throw new Error(`${about}: ${at.toISOString()} could not be restored`)
  await cloud.letIn(copy)
  await cloud.rested(copy)
  const login = await cloud.login(copy)
  const faults: string[] = []
  for (const journal of journals) faults.push(...(await journal.faultsOf(login, at)), ...gapsIn(await journal.read(login)))
  if (faults.length > 0) throw new Error(`${about}: restored to ${at.toISOString()}, but ${faults.join('; ')}`)
  await cloud.remove(copy)
  await cloud.rested(copy)
  return journals.reduce((sum, journal) => sum + journal.inDoubtAt(at), 0)
}

/** A writer commits one number after the other: without one of them it could not have had the next. */
function gapsIn(there: ReadonlySet<number>): string[] {
  return Array.from(there, (_, n) => n + 1).flatMap((n) => (there.has(n) ? [] : [`commit ${n} is missing between others`]))
}

/** The same number for the same seed, from 0 up to 1. mulberry32. */
function draw(seed: number): number {
  let t = (seed + 0x6d2b79f5) | 0
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
