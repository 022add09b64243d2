/** What would keep a database from being followed, asked of the canary before the files and behind them: a file that brings something of the kind passes the
 *  rehearsal, and on the target it would stop every standby, or leave rows behind without a word. What was there before is no file's. */
import type { Finding } from '../../contracts/operation'
import type { PreflightFinding } from '../../contracts/preflight'
import type { Session } from '../../postgres/connect/session'
import { ask } from '../../postgres/replicate/preflight/ask'
import { EVENT_TRIGGERS } from '../../postgres/replicate/preflight/checks/event-triggers'
import { FOREIGN_TABLES } from '../../postgres/replicate/preflight/checks/foreign-tables'
import { LARGE_OBJECTS } from '../../postgres/replicate/preflight/checks/large-objects'
import { REPLICA_IDENTITY } from '../../postgres/replicate/preflight/checks/replica-identity'
import { TRIGGERS } from '../../postgres/replicate/preflight/checks/triggers'
import { withDefaults } from '../../postgres/replicate/preflight/preflight'
import { currentAct } from '../act'

/** Those that ask the source alone. */
const OF_A_SOURCE = [REPLICA_IDENTITY, LARGE_OBJECTS, FOREIGN_TABLES]
/** Those too that fire for what is applied: before a set-up somebody reads a warning, and a file brings them to a standby that follows already. Of what fires in
 *  ordinary sessions alone the next plan says what to do on the standby. */
const FIRING = [TRIGGERS, EVENT_TRIGGERS]

export async function standbyBlocks(canary: Session): Promise<readonly PreflightFinding[]> {
  const { signal } = currentAct()
  const sides = { source: canary, standby: canary, clouds: { source: null, standby: null }, signal }
  const unasked = { publisher: { user: '', tls: 'require' as const }, dataBytesFree: { source: null, standby: null } }
  const asked = withDefaults({ ...sides, ...unasked, retainedBytesMax: 0, prepared: false })
  const found: PreflightFinding[] = []
  for (const check of OF_A_SOURCE) found.push(...(await ask(check, sides, asked)).findings)
  const blocks = found.filter(({ severity }) => severity === 'blocks')
  for (const check of FIRING) blocks.push(...(await ask(check, sides, asked)).findings.filter(brought))
  return blocks
}

const brought = ({ side, severity }: PreflightFinding): boolean => side === 'source' && severity !== 'note'

/** Pure. */
export function broughtByFiles(before: readonly PreflightFinding[], after: readonly PreflightFinding[]): Finding[] {
  const known = new Set(before.map(nameOf))
  return after
    .filter((one) => !known.has(nameOf(one)))
    .map(({ check, message, why, command }) => ({ rule: `standby:${check}`, message: `${message} ${why} Mend it: ${command}` }))
}

const nameOf = ({ check, object }: PreflightFinding): string => JSON.stringify([check, object])
