/** Where nothing is pending on a database, which of its standbys have not what it has applied: a run before left them at their lines. Reads only, and refuses
 *  nothing, since nothing is to be applied. */
import { Failure } from '../../contracts/failures'
import type { PlannedStandby } from '../../contracts/migrate'
import type { StandbyRecord, StandbyState } from '../../contracts/standby'
import { readHistory } from '../../postgres/migrate/history'
import { readBound, readLines, type SchemaLine } from '../../postgres/migrate/schema-line'
import { shownList } from '../../postgres/replicate/tables'
import type { ActivityDeps } from '../deps'
import { lackingFiles, lackingLines } from '../replication/applied'
import { isAway } from '../replication/away'
import { withSession } from './open-session'
import { NOT_ASKED, type StandbysQuestion } from './plan-standbys'

/** Those that follow get it; those that somebody paused, or that are broken, whoever resumes them brings to it. Of any other an operation has charge. */
const DEEDS: Readonly<Partial<Record<StandbyState, 'carry-over' | 'wait'>>> = {
  following: 'carry-over',
  late: 'carry-over',
  paused: 'wait',
  broken: 'wait',
}

/** By name; without those that have all of it. Throws what a session throws, but where one is out of reach, of which nobody knows. */
export async function standbysBehind(deps: ActivityDeps, question: StandbysQuestion): Promise<PlannedStandby[]> {
  const { entry, source } = question
  const all = await deps.ledger.listStandbys()
  const records = all.filter((record) => record.source === entry.name && DEEDS[record.state] !== undefined)
  const lines = records.length === 0 ? [] : await readLines(source)
  const behind: PlannedStandby[] = []
  for (const record of records) {
    const found = await lookAt(deps, question, { record, lines })
    if (found !== null) behind.push({ standby: record.target, ...NOT_ASKED, ...found })
  }
  return behind.sort((a, b) => (a.standby < b.standby ? -1 : 1))
}

async function lookAt(
  deps: ActivityDeps,
  { operation, step, requests, addresses, history }: StandbysQuestion,
  { record: { target, state, instances }, lines }: { readonly record: StandbyRecord; readonly lines: readonly SchemaLine[] },
): Promise<Pick<PlannedStandby, 'does' | 'why'> | null> {
  const unknown = (why: string) => ({ does: 'wait' as const, why: `${why}, so that nobody knows whether it has all of it` })
  const request = requests.find(({ standby }) => standby.name === target)
  if (request === undefined) return unknown('the fleet file does not declare it by now')
  const address = addresses.find(({ standby }) => standby === target)?.address ?? null
  if (address === null) return unknown('its cloud does not tell of it')
  if (address.instanceId !== instances.target) return unknown('its instance is another one')
  const on = { entry: request.standby, role: 'migrator' as const, operation, step, address, canary: false }
  try {
    return await withSession(deps, on, async (standby) => {
      const first = lackingLines(lines, await readBound(standby))
      const files = lackingFiles(history, (await readHistory(standby)).rows)
      const lacking = files.length > 0 || first === null ? files : [first.script]
      if (lacking.length === 0) return null
      const does = DEEDS[state] ?? 'wait'
      const is = does === 'wait' ? `is ${state}, and ` : ''
      return { does, why: `it ${is}lacks ${shownList(lacking)}` }
    })
  } catch (error) {
    if (!(error instanceof Failure) || !isAway(error)) throw error
    return unknown('it is out of reach')
  }
}
