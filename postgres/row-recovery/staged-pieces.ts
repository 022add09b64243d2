/** What is staged, piece by piece: millions of rows in one statement would meet its time limit, each time it is tried again. */
import { ServerError } from '../connect/errors'
import type { Session } from '../connect/session'
import { ChunkSize } from '../verify/chunk-size'
import { fenced, type RecoveryRun } from './run'

const ROWS = { first: 5_000, least: 1, most: 500_000 }
/** query_canceled, as a rule by its time limit: fewer rows may work. */
const TOO_LONG = '57014'

/** SQL of a condition on `$1` and `$2`: the rows of a piece. */
export const OF_A_PIECE = 'capstan_n > $1 AND capstan_n <= $2'

/** `ask` once for each piece, with its two bounds, in a transaction of its own. Yields its answers. */
export async function* overStaged<T>(
  run: RecoveryRun,
  staging: string,
  ask: (session: Session, bounds: readonly [number, number]) => Promise<T>,
): AsyncGenerator<T> {
  const size = new ChunkSize(ROWS)
  for (let after = 0; ; ) {
    const asked = size.size
    const began = performance.now()
    try {
      const piece = await fenced(run, async (session) => {
        const [last] = await session.query<{ n: number | null }>(
          `SELECT max(capstan_n) AS n FROM (SELECT capstan_n FROM ${staging} WHERE capstan_n > $1 ORDER BY capstan_n LIMIT ${asked}) AS piece`,
          [after],
        )
        const upTo = last?.n ?? null
        return upTo === null ? null : { upTo, answer: await ask(session, [after, upTo]) }
      })
      if (piece === null) return
      size.took(performance.now() - began, asked)
      after = piece.upTo
      yield piece.answer
    } catch (error) {
      const again = error instanceof ServerError && error.sqlState === TOO_LONG && size.tooSlow()
      if (!again) throw error
    }
  }
}
