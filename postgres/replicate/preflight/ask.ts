/** Asks one check of both sides, in ways that cannot hurt (postgres/health/read-only.ts), and writes down how. */
import type { Cloud } from '../../../contracts/fleet'
import { PREFLIGHT_CHECKS, type PreflightFinding, type PreflightUnknown } from '../../../contracts/preflight'
import { ServerError } from '../../connect/errors'
import type { Session } from '../../connect/session'
import { readOnly, whyNot } from '../../health/read-only'
import { printableJson } from '../../printable'
import type { Asked, Check, Look, PreflightSide, SideLook, Told } from './check'

export interface Sides extends Readonly<Record<PreflightSide, Session>> {
  readonly clouds: Readonly<Record<PreflightSide, Cloud | null>>
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly findings: readonly PreflightFinding[]
  readonly notKnown: readonly PreflightUnknown[]
  /** Each question once. */
  readonly sql: readonly string[]
}

/** Throws CONNECTION_LOST, or the signal's reason. */
export async function ask(check: Check, sides: Sides, asked: Asked): Promise<Answer> {
  const sql: string[] = []
  const look = lookBy(sides, asked, sql)
  const findings: PreflightFinding[] = []
  const notKnown: PreflightUnknown[] = []
  for (const question of check.questions) {
    const told = await answered(question, look, check, sides)
    findings.push(...told.findings.map((one) => ({ check: check.id, ...one })))
    notKnown.push(...(told.notKnown ?? []).map((one) => ({ check: check.id, ...one })))
  }
  return { findings, notKnown, sql }
}

/** What a side refused is an answer too, and never a failure of the whole. */
async function answered(question: Check['questions'][number], look: Look, { id }: Check, sides: Sides): Promise<Told> {
  try {
    return await question(look)
  } catch (error) {
    if (!(error instanceof RefusedBySide)) throw error
    const { side } = error
    return { findings: [], notKnown: [{ side, why: whyNot(error, sides[side].endpoint.user, PREFLIGHT_CHECKS[id]) }] }
  }
}

class RefusedBySide extends ServerError {
  readonly side: PreflightSide
  constructor(side: PreflightSide, { message, sqlState, position }: ServerError) {
    super(message, sqlState, position)
    this.side = side
  }
}

/** What is asked is written down in `sql`. */
export function lookBy(sides: Sides, asked: Asked, sql: string[] = []): Look {
  const one = (side: PreflightSide): SideLook => {
    const session = sides[side]
    return {
      cloud: sides.clouds[side],
      versionNum: session.serverVersionNum,
      async query(text, values = []) {
        const shown = withValues(text, values)
        if (!sql.includes(shown)) sql.push(shown)
        try {
          return await readOnly(session, () => session.query(text, values, { signal: sides.signal }))
        } catch (error) {
          throw error instanceof ServerError ? new RefusedBySide(side, error) : error
        }
      },
    }
  }
  return { source: one('source'), standby: one('standby'), asked }
}

/** So that a person can ask the same. */
function withValues(text: string, values: readonly unknown[]): string {
  const lines = values.map((value, at) => `\n-- $${at + 1}: ${printableJson(JSON.stringify(value))}`)
  return `${text.trim()}${lines.join('')}`
}
