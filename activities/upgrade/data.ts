/** The databases' part of an upgrade: what they say of themselves, before the switchover and after it. */
import { failure } from '../../contracts/failures'
import type { Finding } from '../../contracts/operation'
import { UPGRADE_DOCUMENTS, type UpgradeProven } from '../../contracts/upgrade'
import type { Session } from '../../postgres/connect/session'
import { writerWord } from '../../postgres/replicate/takes-writes'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { markAndFollow, wordOf } from '../exchange/word'
import type { BlueAndGreen, Proving, UpgradeDataActivities } from './contract'
import { judgeUpgraded, type Word } from './judge'
import { placeOf, upgradingOf } from './pair'
import { planUpgrade } from './plan'
import { proveGreen } from './prove-green'
import { sequencesBehind } from './sequences'

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
  const said = behind === null ? [] : [behind.summary]
  const document: UpgradeProven = { ...judged, evidence: [...judged.evidence, ...said], findings }
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: UPGRADE_DOCUMENTS.proven, document })
  return document
}

function versionFindings(said: Word, wanted: string | null): Finding[] {
  if (typeof said === 'string' || wanted === null || said.version === wanted || said.version.startsWith(`${wanted}.`)) return []
  return [{ rule: 'upgrade:version', message: `The new writer is PostgreSQL ${said.version}, and ${wanted} was asked for.` }]
}

const OTHERS = `SELECT count(*)::int AS count FROM pg_catalog.pg_stat_activity
  WHERE backend_type = 'client backend' AND datname = current_database() AND usename IS DISTINCT FROM current_user`

async function watchWriter(deps: ActivityDeps, input: Proving): Promise<{ summary: string }> {
  const { entry } = await upgradingOf(deps, input)
  const { signal } = currentAct()
  const { instance } = input.places.named
  const said = await wordOf(deps, placeOf(input, entry, input.places.named), async (session) => {
    const { takesWrites } = await writerWord(session, signal)
    const [row] = await session.query<{ count: number }>(OTHERS)
    return { takesWrites, others: row?.count ?? 0 }
  })
  if (typeof said === 'string')
    throw failure('NOT_READY_YET', `${instance} cannot be asked whether it takes writes still: ${said}`)
  if (!said.takesWrites) {
    const message = `${instance} takes no writes any more: find out who has changed it, and have this tried again.`
    throw failure('FENCE_NOT_PROVEN', message, { instance })
  }
  return { summary: `${instance} takes writes; ${said.others} sessions of others are there` }
}
