/** Whether a cloud can put a changed copy in an instance's place, and why that is the better way. Reads only. */
import type { Finding } from '../../contracts/operation'
import type { PreflightFinding } from '../../contracts/preflight'
import { UPGRADE_DOCUMENTS, type UpgradePlan, type UpgradePlanSummary, wantedWords } from '../../contracts/upgrade'
import { sha256Of } from '../../ledger/digest'
import { type LeftBehind, leftBehind, type PhysicalSide, physicalSide } from '../../postgres/replicate/physical'
import { type Followable, followable } from '../../postgres/replicate/preflight/followable'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { looking } from '../replication/sides'
import { epochAbove } from '../schema/epoch'
import type { UpgradeDataActivities } from './contract'
import { blocksOfOthers, lookAtOthers, type OtherDatabase, warningsOfOthers } from './others'
import { placeOf, type Upgrading, upgradingOf } from './pair'

type Input = Parameters<UpgradeDataActivities['planUpgrade']>[0]

interface Seen {
  readonly blue: PhysicalSide
  /** Null: it is no writer. */
  readonly left: LeftBehind | null
  /** Enabled, of any database of the server. */
  readonly subscriptions: readonly string[]
  /** Null: green follows physically, and needs none of it. */
  readonly logical: Followable | null
  readonly others: readonly OtherDatabase[]
}

export async function planUpgrade(deps: ActivityDeps, input: Input): Promise<UpgradePlanSummary> {
  const { operation, bundle, blue, called, byHand, major, lock } = input
  const upgrading = await upgradingOf(deps, input)
  const seen = await look(deps, input, upgrading)
  const { engineVersion, parameterGroup, instanceClass } = upgrading.request
  const lasting = {
    ...{ version: 1 as const, bundle, blue, called, byHand, wanted: { engineVersion, parameterGroup, instanceClass } },
    ...{ why: whyOf(input, upgrading), follows: major ? ('logically' as const) : ('physically' as const) },
    ...{ blocks: blocksOf(input, upgrading, seen), warnings: warningsOf(seen), asked: seen.logical?.asked ?? {} },
  }
  const document: UpgradePlan = { ...lasting, digest: sha256Of(lasting) }
  const epoch = await epochAbove(deps, operation, lock, seen.blue.epoch)
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: UPGRADE_DOCUMENTS.plan, document })
  return { digest: document.digest, epoch, blocks: document.blocks, summary: summaryOf(document) }
}

/** `subenabled` is in a catalog that all databases share. */
const SUBSCRIPTIONS = `SELECT pg_catalog.format('%s (%s)', s.subname, d.datname) AS name
    FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE s.subenabled ORDER BY 1`

async function look(deps: ActivityDeps, input: Input, { entry }: Upgrading): Promise<Seen> {
  const { signal } = currentAct()
  const place = placeOf(input, entry, input.blue)
  const asMigrator = await looking(deps, place, 'migrator', async (session) => {
    const blue = await physicalSide(session, signal)
    return { blue, left: blue.replays ? null : await leftBehind(session, signal) }
  })
  const others = await lookAtOthers(deps, place, { names: asMigrator.left?.others ?? [], major: input.major })
  return looking(deps, place, 'admin', async (session) => {
    const subscriptions = await session.query<{ name: string }>(SUBSCRIPTIONS, [], { signal })
    const logical = input.major ? await followable(session, entry.cloud, signal) : null
    return { ...asMigrator, others, subscriptions: subscriptions.map(({ name }) => name), logical }
  })
}

const finding = (what: string, message: string): Finding => ({ rule: `upgrade:${what}`, message })

function whyOf({ called, major }: Input, { entry }: Upgrading): string {
  if (called === null)
    return `${entry.cloud === 'aws' ? 'Aurora' : entry.cloud} puts no changed copy in an instance’s place here: a standby of the wanted kind does it, by logical replication`
  const how = major ? 'follows by the cloud’s own logical replication' : 'holds the very blocks of it'
  return `What there is and what is wanted are both RDS’s, in one region and account, so its ${called} is taken: green has all databases, roles and settings of it, ${how}, and takes over its name and address, so that no client is led elsewhere`
}

function blocksOf(input: Input, { entry, request }: Upgrading, { blue, left, subscriptions, logical, others }: Seen): Finding[] {
  const { instance } = input.blue
  const wanted = request.engineVersion === null ? 'as it is wanted' : `of PostgreSQL ${request.engineVersion}`
  return [
    ...(input.called === null
      ? [
          finding(
            'way',
            `The cloud of ${instance} has no such act: make an instance ${wanted}, declare it as a standby of ${entry.name}, then "capstan replicate ${entry.name}" and "capstan switchover ${entry.name}".`,
          ),
        ]
      : []),
    ...input.obstacles.map((message) => finding('cloud', message)),
    ...(blue.replays ? [finding('role', `${instance} replays the log of another one and takes no writes.`)] : []),
    ...(left?.slots ?? []).map((slot) =>
      finding(
        'slots',
        `Logical slot ${slot}: the cloud switches nothing over that somebody follows, and its reader would get nothing from green. A standby of Capstan’s own is removed by "capstan standby remove" and made anew afterwards; any other reader is to be ended, and its slot dropped.`,
      ),
    ),
    ...subscriptions.map((name) =>
      finding(
        'subscriptions',
        `Subscription ${name} is enabled: the cloud switches nothing over that follows somebody. ALTER SUBSCRIPTION … DISABLE, or drop it, and make it anew afterwards.`,
      ),
    ),
    ...(logical?.findings ?? []).filter(({ severity }) => severity === 'blocks').map(logicalFinding),
    ...blocksOfOthers(others, logical),
  ]
}

function warningsOf({ left, logical, others }: Seen): Finding[] {
  return [
    ...(logical === null
      ? (left?.unlogged ?? []).map((table) => finding('unlogged', `Table ${table} is unlogged: on green it is empty.`))
      : [
          finding(
            'ddl',
            'Green gets rows alone: a schema change, a grant or a large object that comes to blue meanwhile stops it or is missing. The lock keeps Capstan’s own migrations away; keep everybody else’s.',
          ),
          ...logical.findings.filter(({ severity }) => severity !== 'blocks').map(logicalFinding),
          ...logical.notKnown.map(({ check, why }) => finding(check, why)),
        ]),
    ...warningsOfOthers(others, logical),
  ]
}

function logicalFinding({ check, message, why, command }: PreflightFinding): Finding {
  return finding(check, `${message} ${why} What mends it: ${command}`)
}

function summaryOf({ blocks, called, blue, wanted, follows }: UpgradePlan): string {
  if (blocks.length > 0) return `${blocks.length} in the way`
  return `by ${called}: ${blue.instance} gets ${wantedWords(wanted)}; green follows ${follows}`
}
