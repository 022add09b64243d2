/** What a person does should we not come back: the rest of the way from each point on, and the way back. Written where it is found without us: in the keyhole of
 *  either instance, in a file of this worker's, and in the ledger. */
import { randomUUID } from 'node:crypto'
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BreakGlassPapers, PaperSide } from '../../contracts/break-glass'
import { failure } from '../../contracts/failures'
import { SWITCHOVER_DOCUMENTS, type SwitchoverPlan } from '../../contracts/switchover'
import { keepPapers } from '../../postgres/break-glass/keep'
import { papersOf } from '../../postgres/break-glass/papers'
import type { Session } from '../../postgres/connect/session'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { inKeyholeOf } from '../replication/keyhole'
import type { Place } from '../replication/sides'
import type { Switching } from './contract'
import { type Pair, pairOf } from './pair'

export async function writePapers(deps: ActivityDeps, input: Switching): Promise<{ summary: string }> {
  const { operation, epochs, fenceEpoch } = input
  const pair = await pairOf(deps, input)
  const plan = (await deps.ledger.getDocument({ operation, name: SWITCHOVER_DOCUMENTS.plan })) as SwitchoverPlan | null
  const papers = await inKeyholeOf(deps, pair.places.source, fenceEpoch, async ({ session, token }) => {
    const written = filledIn(input, pair, { endpointAt: plan?.endpointAt ?? null, limit: await limitOf(session, pair) })
    assertMayAct()
    await keepPapers(session, written, token)
    return written
  })
  await inKeyholeOf(deps, pair.places.standby, epochs.standby, ({ session, token }) => keepPapers(session, papers, token))
  const file = await writeFileOf(deps.papersFolder ?? null, papers)
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: SWITCHOVER_DOCUMENTS.papers, document: papers })
  const where = file === null ? 'in both instances' : `in both instances, and in ${file} of the worker`
  return {
    summary: `${papers.forward.length} steps to go on by hand, ${papers.back.length} to go back, ${where}: "capstan ops show ${operation} --plan", "capstan break-glass show ${operation}"`,
  }
}

function filledIn(
  { operation, epochs, fenceEpoch }: Switching,
  { id, places, forward, back, request, bundle, oneWay }: Pair,
  { endpointAt, limit }: { readonly endpointAt: SwitchoverPlan['endpointAt']; readonly limit: number },
): BreakGlassPapers {
  const declared = bundle.database.endpoint ?? { kind: 'none' as const }
  return papersOf({
    ...{ operation, writtenAt: new Date().toISOString(), id, names: { forward, back } },
    ...(oneWay ? { oneWay } : {}),
    sides: {
      // what follows it is told by its own publisher: of the way there, and of the way back
      source: sideOf(places.source, request.declared.publisher.user),
      standby: sideOf(places.standby, oneWay ? null : (request.back?.publisher.user ?? null)),
    },
    ...{ connectionLimit: limit, drainMsMax: request.drainMsMax },
    endpoint: { kind: declared.kind, at: endpointAt, declared },
    epochs: { ...epochs, keyhole: fenceEpoch },
  })
}

function sideOf({ entry, address }: Place, publisher: string | null): PaperSide {
  const { admin, migrator } = entry.connections
  const keeps = [...new Set([admin.user, migrator.user, ...(publisher === null ? [] : [publisher])])]
  const { instance, instanceId, host, port } = address
  return { name: entry.name, instance, instanceId, host, port, database: entry.database, keeps }
}

/** As it will be put back: while a database is open to workers alone, what was before is in the keyhole. */
async function limitOf(keyhole: Session, { places }: Pair): Promise<number> {
  const { database } = places.source.entry
  const [row] = await keyhole.query<{ limit: number }>(
    `SELECT coalesce((SELECT c.connection_limit FROM capstan.closed_database c WHERE c.oid = d.oid), d.datconnlimit) AS "limit"
       FROM pg_catalog.pg_database d WHERE d.datname = $1`,
    [database],
  )
  if (row === undefined) throw failure('DATABASE_UNKNOWN', `There is no database ${database} on the source.`, { database })
  return row.limit
}

/** Whole or not at all, for its owner alone. Null: this worker keeps none. */
async function writeFileOf(folder: string | null, papers: BreakGlassPapers): Promise<string | null> {
  if (folder === null) return null
  const file = join(folder, `${papers.operation}.json`)
  const half = `${file}.${randomUUID()}`
  assertMayAct()
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(half, `${JSON.stringify(papers, null, 2)}\n`, { mode: 0o600, flush: true })
    await chmod(half, 0o600)
    await rename(half, file)
    return file
  } catch (error) {
    await rm(half, { force: true })
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no reason given'
    const message = `The papers cannot be written to ${file} (${code}), and nothing is closed without them: mend CAPSTAN_PAPERS of the worker.`
    throw failure('OPTION_INVALID', message, { variable: 'CAPSTAN_PAPERS', file }, { cause: error })
  }
}
