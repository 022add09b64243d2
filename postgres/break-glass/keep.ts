/** The papers where they are found when all else is gone: in the keyhole of either instance, beside what is closed. */
import type { BreakGlassPapers } from '../../contracts/break-glass'
import { failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import { inTransaction, type Session } from '../connect/session'
import { FURNISHING_LOCK } from '../fence/keyhole'
import { assertFence, type FenceToken } from '../migrate/fence'

const PAPERS = `CREATE TABLE IF NOT EXISTS capstan.papers (
  operation text PRIMARY KEY,
  papers jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
)`

/** Of so many operations they stay. */
const KEPT = 10

/** `session`: in the keyhole, where `token` stands. Safe to repeat: the newest stay. Throws FENCED_OFF. */
export async function keepPapers(session: Session, papers: BreakGlassPapers, token: FenceToken): Promise<void> {
  await inTransaction(session, async () => {
    await session.query('SELECT pg_catalog.pg_advisory_xact_lock($1)', [FURNISHING_LOCK])
    await assertFence(session, token)
    await session.execute(PAPERS)
    await session.query(
      `INSERT INTO capstan.papers (operation, papers) VALUES ($1, $2::jsonb)
       ON CONFLICT (operation) DO UPDATE SET papers = excluded.papers, at = now()`,
      [papers.operation, JSON.stringify(papers)],
    )
    await session.query(
      `DELETE FROM capstan.papers WHERE operation NOT IN (SELECT operation FROM capstan.papers ORDER BY at DESC, operation LIMIT ${KEPT})`,
    )
  })
}

/** `operation` null: the newest. Null: there are none. Throws DATABASE_REFUSED for papers of another version. */
export async function findPapers(session: Session, operation: OperationId | null): Promise<BreakGlassPapers | null> {
  const [there] = await session.query<{ there: boolean }>(`SELECT pg_catalog.to_regclass('capstan.papers') IS NOT NULL AS there`)
  if (there?.there !== true) return null
  const [row] = await session.query<{ papers: unknown }>(
    'SELECT papers FROM capstan.papers WHERE $1::text IS NULL OR operation = $1 ORDER BY at DESC LIMIT 1',
    [operation],
  )
  return row === undefined ? null : readPapers(typeof row.papers === 'string' ? JSON.parse(row.papers) : row.papers)
}

/** Whose they are; null: there are none. */
export async function newestPapers(session: Session): Promise<OperationId | null> {
  const [there] = await session.query<{ there: boolean }>(`SELECT pg_catalog.to_regclass('capstan.papers') IS NOT NULL AS there`)
  if (there?.there !== true) return null
  const [row] = await session.query<{ operation: string }>('SELECT operation FROM capstan.papers ORDER BY at DESC LIMIT 1')
  return row?.operation ?? null
}

/** Throws DATABASE_REFUSED for what are no papers of this version: nobody acts on what he half understands. */
export function readPapers(found: unknown): BreakGlassPapers {
  const papers = found as Partial<BreakGlassPapers> | null
  const whole =
    typeof papers === 'object' &&
    papers !== null &&
    papers.version === 2 &&
    typeof papers.operation === 'string' &&
    typeof papers.connectionLimit === 'number' &&
    typeof papers.drainMsMax === 'number' &&
    isEndpoint(papers.endpoint) &&
    isSide(papers.sides?.source) &&
    isSide(papers.sides?.standby) &&
    typeof papers.names?.forward?.slot === 'string' &&
    typeof papers.names.back?.slot === 'string' &&
    Array.isArray(papers.forward) &&
    Array.isArray(papers.back)
  if (whole) return papers as BreakGlassPapers
  throw failure('DATABASE_REFUSED', 'These are no papers that this version of Capstan can go on by: it takes those of version 2.')
}

function isEndpoint(endpoint: Partial<BreakGlassPapers['endpoint']> | undefined): boolean {
  const at = endpoint?.at
  return typeof endpoint?.kind === 'string' && (at === null || (typeof at?.host === 'string' && typeof at.port === 'number'))
}

function isSide(side: Partial<BreakGlassPapers['sides']['source']> | undefined): boolean {
  return (
    typeof side?.name === 'string' &&
    typeof side.database === 'string' &&
    typeof side.host === 'string' &&
    typeof side.port === 'number' &&
    Array.isArray(side.keeps)
  )
}
