/** What a replacement asks of the databases themselves: what would be lost, what was written since, and who logs in. */
import { Failure, failure } from '../../contracts/failures'
import { type DeltaReport, REPLACE_DOCUMENTS, type ReplacementQuestion } from '../../contracts/replace'
import { sha256Of } from '../../ledger/digest'
import { removeAmcheck } from '../../postgres/proof/amcheck'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { rememberOnce } from '../remember'
import { reachedAs, withSession } from '../schema/open-session'
import { adoptMaster } from './adopt-master'
import { enabledSubscriptions } from './caveats'
import type { ReplacementDataActivities } from './contract'
import { tablesOf } from './counts'
import { isUnreachable, measureDelta, sidesOf, summaryOf, withRelations } from './delta'
import { lookIntoOld } from './old-inside'
import { relationsOf } from './relations'
import { reportWritten } from './written'

export function createReplacementDataActivities(deps: ActivityDeps): ReplacementDataActivities {
  const { ledger } = deps
  return {
    async probeOld({ operation, step, bundle, source }) {
      const { database: entry } = await ledger.getBundle(bundle)
      const request = { entry, role: 'admin', operation, step, address: source, canary: false, ownAddress: true } as const
      try {
        await withSession(deps, request, (session) => session.query('SELECT 1'))
        return { answers: true, said: 'it takes connections' }
      } catch (error) {
        // Whoever refuses is there: only silence says that nobody is.
        if (isUnreachable(error)) return { answers: false, said: error.message }
        if (error instanceof Failure && (error.kind === 'refused' || error.facts.sqlState !== undefined)) {
          return { answers: true, said: error.message }
        }
        throw error
      }
    },
    async removeProof({ operation, step, bundle, copy, inPlace }) {
      const { database: entry } = await ledger.getBundle(bundle)
      const request = { entry, role: 'admin', operation, step, address: copy, ...reachedAs({ inPlace }) } as const
      await withSession(deps, request, (session) => removeAmcheck(session))
    },
    async reportDelta({ plan, ...asked }) {
      const { operation, bundle } = asked
      const { database: entry } = await ledger.getBundle(bundle)
      const at = { operation, name: REPLACE_DOCUMENTS.report }
      const report = await rememberOnce(ledger, at, () => measureDelta(deps, entry, asked))
      const { copy } = sidesOf(deps, entry, { ...asked, live: asked.copy })
      const acts = (await enabledSubscriptions(copy, entry.database)) > 0
      const question: ReplacementQuestion = { plan, delta: report.digest }
      return { ...summaryOf(report), question: sha256Of(question), acts }
    },
    async reportRemainder({ acceptLaterWrites, ...asked }) {
      const { operation, bundle } = asked
      const { database: entry } = await ledger.getBundle(bundle)
      const approved = (await ledger.getDocument({ operation, name: REPLACE_DOCUMENTS.report })) as DeltaReport | null
      if (approved === null) throw new Error(`operation ${operation} has reported nothing that could be approved`)
      const measured = await measureDelta(deps, entry, asked)
      const { live } = sidesOf(deps, entry, asked)
      // before the list of names: what is in neither of both is found under the fence
      const session = await live(entry.database)
      const now = withRelations(measured, await relationsOf(session).finally(() => session.close()))
      assertMayAct()
      await ledger.putDocument({ operation, name: REPLACE_DOCUMENTS.remainder, document: now })
      // the last thing of all, and apart from the comparison, which may have run out of time and has one database only
      const later = [...arrivedSince(approved, await tablesOf(live, entry.database)), ...newColumns(approved, now)]
      if (later.length > 0 && !acceptLaterWrites) {
        const message = `Since the report that was approved came to be: ${later.join(', ')}. Nobody approved that it is lost, and nothing was changed. Start again; or, if whatever comes meanwhile may be lost, with --accept-later-writes.`
        throw failure('PLAN_DRIFTED', message, { operation, later: later.length })
      }
      const { summary, lostRows } = summaryOf(now)
      return { summary, lostRows }
    },
    reportWritten: (input) => reportWritten(deps, input),
    lookIntoOld: (input) => lookIntoOld(deps, input),
    adoptMaster: (input) => adoptMaster(deps, input),
  }
}

/** Tables and databases that the approved report does not name, and what nobody can say of. */
function arrivedSince({ listed, counted }: DeltaReport, now: DeltaReport['listed']): string[] {
  return Object.entries(now).flatMap(([database, tables]) => {
    const before = listed[database]
    if (before === undefined) return [`database ${database}`]
    if (before === null || tables === null) return [`tables of ${database}, which nobody could list`]
    // in the report though they are younger than its list
    const named = counted.filter((one) => one.database === database).flatMap((one) => one.tables.map(({ table }) => table))
    const known = new Set([...before, ...named])
    return tables.filter((table) => !known.has(table)).map((table) => `table ${table} of ${database}`)
  })
}

function newColumns(approved: DeltaReport, now: DeltaReport): string[] {
  return now.structure.filter((one) => one.includes(': no column ') && !approved.structure.includes(one))
}
