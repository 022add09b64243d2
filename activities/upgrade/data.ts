/** The databases' part of an upgrade: what they say of themselves, before the switchover and after it. */
import { failure } from '../../contracts/failures'
import type { Finding } from '../../contracts/operation'
import { UPGRADE_DOCUMENTS, type UpgradeProven } from '../../contracts/upgrade'
import { quoteQualified } from '../../postgres/connect/quote'
import type { Session } from '../../postgres/connect/session'
import { writerWord } from '../../postgres/replicate/takes-writes'
import { readSequences, type SequenceRead } from '../../postgres/replicate/watch/sequences'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { markAndFollow, wordOf } from '../exchange/word'
import { looking, type Place } from '../replication/sides'
import type { BlueAndGreen, Proving, UpgradeDataActivities } from './contract'
import { judgeUpgraded, type Word } from './judge'
import { placeOf, upgradingOf } from './pair'
import { planUpgrade } from './plan'
import { proveGreen } from './prove-green'

export function createUpgradeDataActivities(deps: ActivityDeps): UpgradeDataActivities {
  return {
    planUpgrade: (input) => planUpgrade(deps, input),
    proveGreen: (input) => proveGreen(deps, input),
    markBlue: (input) => markBlue(deps, input),
    proveUpgraded: (input) => proveUpgraded(deps, input),
    watchWriter: (input) => watchWriter(deps, input),
  }
}

async function markBlue(deps: ActivityDeps, input: BlueAndGreen & { epoch: number }): Promise<{ summary: string }> {
  const { epoch, blue, green } = input
  const { entry, request } = await upgradingOf(deps, input)
  const [writer, follower] = [placeOf(input, entry, blue), placeOf(input, entry, green)]
  const ms = await markAndFollow(deps, { writer, follower, epoch, followMsMax: request.followMsMax })
  return { summary: `${green.instance} showed what was written to ${blue.instance} within ${ms} ms` }
}

async function proveUpgraded(deps: ActivityDeps, input: Proving): Promise<UpgradeProven> {
  const { operation, places, epoch } = input
  const { entry, request } = await upgradingOf(deps, input)
  const { signal, attempt } = currentAct()
  const ask = (session: Session) => writerWord(session, signal)
  const named = placeOf(input, entry, places.named)
  const other = places.other === null ? null : placeOf(input, entry, places.other)
  const [namedSaid, otherSaid] = await Promise.all([
    wordOf(deps, named, ask),
    other === null ? Promise.resolve('it is gone, or has no address') : wordOf(deps, other, ask),
  ])
  const judged = judgeUpgraded({ ...places, epoch, namedSaid, otherSaid, attempt })
  const held = judged.writer === 'green' && judged.other === 'refuses' && other !== null
  const behind = held ? await sequencesBehind(deps, { before: other, now: named }) : null
  const findings = [
    ...(judged.writer === 'green' ? versionFindings(namedSaid, request.engineVersion) : []),
    ...(behind?.findings ?? []),
  ]
  const said =
    behind === null
      ? []
      : [`${behind.count} sequences were compared with those of the old instance, ${behind.findings.length} of them behind`]
  const document: UpgradeProven = { ...judged, evidence: [...judged.evidence, ...said], findings }
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: UPGRADE_DOCUMENTS.proven, document })
  return document
}

function versionFindings(said: Word, wanted: string | null): Finding[] {
  if (typeof said === 'string' || wanted === null || said.version === wanted || said.version.startsWith(`${wanted}.`)) return []
  return [{ rule: 'upgrade:version', message: `The new writer is PostgreSQL ${said.version}, and ${wanted} was asked for.` }]
}

/** Of a sequence that stands behind where it stood, the next value was given before. */
async function sequencesBehind(
  deps: ActivityDeps,
  { before, now }: { readonly before: Place; readonly now: Place },
): Promise<{ readonly count: number; readonly findings: readonly Finding[] }> {
  // the old one first: it gives none any more
  const old = await looking(deps, before, 'migrator', readSequences)
  const there = new Map(
    (await looking(deps, now, 'migrator', readSequences)).sequences.map((one) => [quoteQualified(one.schema, one.name), one]),
  )
  const findings = old.sequences.flatMap((one): Finding[] => {
    const name = quoteQualified(one.schema, one.name)
    const found = there.get(name)
    if (found !== undefined && !isBehind(one, found)) return []
    const where = found === undefined ? 'is not there' : `stands at ${found.last}`
    const message = `Sequence ${name} stood at ${one.last} in the old instance, and ${where} in the new one: it gives what was given. SELECT setval('${name}', …);`
    return [{ rule: 'upgrade:sequence', message }]
  })
  return { count: old.sequences.length, findings }
}

/** One that begins anew by its own declaration has no place that is beyond another. */
function isBehind(was: SequenceRead, is: SequenceRead): boolean {
  if (was.cycles || !was.isCalled) return false
  if (is.last === was.last) return !is.isCalled
  return was.increment > 0n === is.last < was.last
}

const OTHERS = `SELECT count(*)::int AS count FROM pg_catalog.pg_stat_activity
  WHERE backend_type = 'client backend' AND datname = current_database() AND usename IS DISTINCT FROM current_user`

async function watchWriter(deps: ActivityDeps, input: Proving): Promise<{ summary: string }> {
  const { entry } = await upgradingOf(deps, input)
  const { instance } = input.places.named
  return looking(deps, placeOf(input, entry, input.places.named), 'migrator', async (session) => {
    const { takesWrites } = await writerWord(session, currentAct().signal)
    const [row] = await session.query<{ count: number }>(OTHERS)
    if (!takesWrites) {
      const message = `${instance} takes no writes any more: find out who has changed it, and have this tried again.`
      throw failure('FENCE_NOT_PROVEN', message, { instance })
    }
    return { summary: `${instance} takes writes; ${row?.count ?? 0} sessions of others are there` }
  })
}
