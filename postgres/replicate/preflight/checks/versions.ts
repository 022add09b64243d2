/** Whether the standby's PostgreSQL understands all that the source's can say, and whether writing could move back. */
import { type Check, NOTHING, type SideLook } from '../check'
import { noWayBack } from '../way-back'

/** The oldest that is tried; those before it get no more mends. */
const MAJOR_MIN = 15

export type VersionProblem = 'source-too-old' | 'standby-older'

/** By their majors. */
export function versionProblem(source: number, standby: number): VersionProblem | null {
  if (source < MAJOR_MIN) return 'source-too-old'
  return standby < source ? 'standby-older' : null
}

const MAJOR = `SELECT current_setting('server_version_num')::int / 10000 AS major`

async function majorOf(side: SideLook): Promise<number> {
  const [row] = await side.query<{ major: number }>(MAJOR)
  if (row === undefined) throw new Error('the server does not say what it is')
  return row.major
}

export const VERSIONS: Check = {
  id: 'versions',
  questions: [
    async ({ source, standby }) => {
      const [from, to] = [await majorOf(source), await majorOf(standby)]
      const problem = versionProblem(from, to)
      if (problem === null) return NOTHING
      const tooOld = problem === 'source-too-old'
      return {
        findings: [
          {
            severity: 'blocks',
            side: tooOld ? 'source' : 'standby',
            object: null,
            message: tooOld
              ? `The source is PostgreSQL ${from}; the oldest that is followed is ${MAJOR_MIN}.`
              : `The standby is PostgreSQL ${to}, older than the source, which is ${from}.`,
            why: tooOld
              ? 'Nobody tried with it what is made here, and it gets no more mends.'
              : 'Migrations and values may need what only the newer one knows, and applications would move to an older server.',
            command: `-- upgrade the ${tooOld ? 'source' : 'standby'} to PostgreSQL ${tooOld ? MAJOR_MIN : from} or later`,
          },
        ],
      }
    },
    async (look) => {
      const why = await noWayBack(look)
      if (why === null) return NOTHING
      return {
        findings: [
          {
            severity: 'note',
            side: 'source',
            object: null,
            message: `There is no way back: ${why}`,
            why: 'Once applications write on the standby, the source gets nothing of it: moving there can only be undone with loss.',
            command: '-- a switchover is refused until it is mended',
          },
        ],
      }
    },
  ],
}
