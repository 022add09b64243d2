/** L4: does the copy hold, row for row, what the instance held when the backup was taken? By the manifests that were read
 *  before it and after it. */
import type { IsoInstant } from '../../contracts/operation'
import type { AroundPoint, Rung } from '../../contracts/verify-backup'
import type { Ledger } from '../../ledger/ledger'
import { contentFindings } from '../../postgres/proof/content'
import type { Manifest, ProvenTables } from '../../postgres/proof/manifest'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { readManifest } from '../proof/manifest'
import { openSession, reachedAs, withSession } from '../schema/open-session'
import type { BackupProofActivities } from './contract'
import { damagedOnPurpose } from './control-begun'
import { JOBS, shownUnproven } from './intact'
import { othersWrote } from './others'

export interface ManifestsAround {
  readonly before: Manifest
  readonly after: Manifest
}

/** Those of the ledger; in words why they say nothing of the point. */
export async function manifestsAround(ledger: Ledger, around: AroundPoint | null): Promise<ManifestsAround | string> {
  if (around === null) return 'no manifests of this database were taken around this backup'
  const before = await readManifest(ledger, around.before, 'before')
  const after = await readManifest(ledger, around.after, 'after')
  if (before === null || after === null) return 'the database could not be read around this backup'
  if (around.at === null) return { before, after }
  return whyNotBetween(around, around.at, { before, after }) ?? { before, after }
}

/** A moment is held only against what was over before it, and what began no earlier. Pure. */
export function whyNotBetween(
  around: Omit<AroundPoint, 'at'>,
  at: IsoInstant,
  { before, after }: ManifestsAround,
): string | null {
  const moment = Date.parse(at)
  if (moment <= Date.parse(before.finishedAt))
    return `the first manifest was read until ${before.finishedAt}, which is too late for ${at}`
  if (moment > Date.parse(after.startedAt))
    return `the second manifest was read from ${after.startedAt} on, which is too early for ${at}`
  // Of two operations: without the cluster's own word nobody knows that both read the same one.
  const unknown = before.systemIdentifier === null || after.systemIdentifier === null
  return unknown && around.before !== around.after ? 'the role may not read which cluster it is in' : null
}

/** Whoever comes into what was restored may make any other finding come true, by what he commits. */
const NO_WRITERS_DOING = ['content:cluster', 'content:unreadable']

export async function checkContent(
  deps: ActivityDeps,
  { operation, step, bundle, copy, around, inPlace }: Parameters<BackupProofActivities['checkContent']>[0],
): Promise<Rung> {
  const started = performance.now()
  const damaged = await damagedOnPurpose(deps.ledger, operation, 'content')
  if (damaged !== null) return damaged
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const manifests = await manifestsAround(deps.ledger, around)
  if (typeof manifests === 'string') {
    return { id: 'content', outcome: 'not-proven', findings: [], summary: manifests, durationMs: 0 }
  }
  const request = { entry, role: 'admin', operation, step, address: copy, ...reachedAs({ inPlace }) } as const
  const { signal, kept, keep } = currentAct()
  const proof = await contentFindings(manifests.before, manifests.after, {
    connect: () => openSession(deps, request),
    jobs: JOBS,
    signal,
    carriedOn: kept as ProvenTables | undefined,
    onProven: keep,
  })
  const { findings, untold, notProven, complete, tables, tablesProven, rowsProven } = proof
  const proven = complete && (tablesProven === tables || rowsProven > 0)
  const more = untold === 0 ? '' : `, and ${untold} findings more that are not told`
  const writers =
    inPlace === true && findings.length > 0 && !findings.some(({ rule }) => NO_WRITERS_DOING.includes(rule))
      ? await withSession(deps, request, (session) => othersWrote(session, operation))
      : null
  if (writers !== null) {
    const said = findings.map(({ message }) => message).join(' ')
    const summary = `it does not hold what the snapshot held, which may be their doing (${writers}): ${said}${more}`
    return { id: 'content', outcome: 'not-proven', findings: [], summary, durationMs: Math.round(performance.now() - started) }
  }
  return {
    id: 'content',
    // Rows that were written around the backup prove nothing, and neither do sequences: they are named, and take nothing from the rest. A table
    // that could not be read is another matter: nobody knows what the backup has of it.
    outcome: findings.length > 0 ? 'fail' : proven ? 'pass' : 'not-proven',
    findings,
    summary: `${tablesProven} of ${tables} tables proven row for row, ${rowsProven} rows in all${more}${shownUnproven(notProven)}`,
    durationMs: Math.round(performance.now() - started),
  }
}
