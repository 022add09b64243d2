/** The manifests around a snapshot, or around a moment: docs/decisions/0013-manifests-around-a-backup.md. */
import type { InstanceAddress } from '../../contracts/migrate'
import { type OperationId, temporaryName } from '../../contracts/operation'
import { MANIFEST_DOCUMENTS, type ManifestSummary } from '../../contracts/snapshot'
import type { StepRef } from '../../contracts/step-ref'
import { sha256Of } from '../../ledger/digest'
import type { Ledger } from '../../ledger/ledger'
import { type Manifest, takeManifest } from '../../postgres/proof/manifest'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openSession } from '../schema/open-session'
import type { ManifestActivities } from './contract'

/** Connections that read at a time. */
const JOBS = 2
/** Of a fleet entry that says nothing. A snapshot is waited for: what takes longer to read is left out. */
const MINUTES_MAX = 5
const MINUTE_MS = 60_000

type Which = keyof typeof MANIFEST_DOCUMENTS

export function createManifestActivities(deps: ActivityDeps): ManifestActivities {
  const { ledger } = deps
  return {
    async takeManifest({ snapshotStep, which, ...input }) {
      const { operation } = input
      const held = await readManifest(ledger, operation, which)
      if (held !== null) return summaryOf(held)
      const before = which === 'before' ? null : await readManifest(ledger, operation, 'before')
      const why = await whyNone(ledger, operation, { snapshotStep, which, before })
      if (why !== null) return { digest: null, summary: `no manifest: ${why}` }
      return take(deps, input, { which, since: before ?? undefined })
    },
    async takeManifestSince({ since, ...input }) {
      const held = await readManifest(ledger, input.operation, 'after')
      if (held !== null) return summaryOf(held)
      const before = await readManifest(ledger, since, 'before')
      if (before === null) return { digest: null, summary: `no manifest: ${since} left none` }
      return take(deps, input, { which: 'after', since: before })
    },
  }
}

async function take(
  deps: ActivityDeps,
  { operation, step, bundle, target }: StepRef & { target: InstanceAddress },
  { which, since }: { which: Which; since: Manifest | undefined },
): Promise<ManifestSummary> {
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const { signal } = currentAct()
  const taken = await takeManifest({
    connect: () => openSession(deps, { entry, role: 'migrator', operation, step, address: target, canary: false }),
    jobs: JOBS,
    durationMaxMs: (entry.manifest?.minutesMax ?? MINUTES_MAX) * MINUTE_MS,
    since,
    signal,
  })
  assertMayAct()
  const kept = await deps.ledger.putDocumentOnce({ operation, name: MANIFEST_DOCUMENTS[which], document: taken })
  return isNone(kept) ? { digest: null, summary: `no manifest: ${kept.none}` } : summaryOf(kept as Manifest)
}

/** Where the snapshot was begun without one: whoever still reads comes too late. */
interface NoManifest {
  readonly version: 1
  readonly none: string
}

function isNone(document: unknown): document is NoManifest {
  return typeof document === 'object' && document !== null && 'none' in document
}

const BEGUN = 'the snapshot was begun before'

/** To be called before the snapshot is begun: an attempt that was given up, and reads on all the same, must not put the rows of a later moment
 *  where those of before are looked for. Changes nothing where there is a manifest. Safe to repeat. */
export async function endManifestBefore(ledger: Ledger, operation: OperationId): Promise<void> {
  const document: NoManifest = { version: 1, none: BEGUN }
  await ledger.putDocumentOnce({ operation, name: MANIFEST_DOCUMENTS.before, document })
}

/** What was read around the snapshot that the operation took; null: nothing was. */
export async function readManifest(ledger: Ledger, operation: OperationId, which: Which): Promise<Manifest | null> {
  const held = await ledger.getDocument({ operation, name: MANIFEST_DOCUMENTS[which] })
  return isNone(held) ? null : (held as Manifest | null)
}

async function whyNone(
  ledger: Ledger,
  operation: OperationId,
  { snapshotStep, which, before }: { snapshotStep: string; which: Which; before: Manifest | null },
): Promise<string | null> {
  if (which === 'after') return before === null ? 'there is none from before the snapshot' : null
  // After a reset of the workflow the snapshot may be there already: what is written since would be missed in it.
  const begun = (await ledger.listResources({ operation })).some(({ name }) => name === temporaryName(operation, snapshotStep))
  return begun ? BEGUN : null
}

function summaryOf(manifest: Manifest): ManifestSummary {
  const { tables, unread } = manifest
  const rows = tables.reduce((sum, { parts, newer }) => sum + newer + parts.reduce((of, [count]) => of + count, 0), 0)
  const left = unread.length === 0 ? '' : `; ${unread.length} not read`
  return { digest: sha256Of(manifest), summary: `${rows.toLocaleString('en-US')} rows in ${tables.length} tables${left}` }
}
