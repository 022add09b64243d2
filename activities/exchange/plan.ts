/** Whether a cloud can exchange both, and why it is the better way. Reads only. */
import { samePlace } from '../../contracts/endpoint'
import { EXCHANGE_DOCUMENTS, type ExchangePlan, type ExchangePlanSummary } from '../../contracts/exchange'
import type { Finding } from '../../contracts/operation'
import { sha256Of } from '../../ledger/digest'
import { bytesAhead, type LeftBehind, leftBehind, type PhysicalSide, physicalSide } from '../../postgres/replicate/physical'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { looking } from '../replication/sides'
import { epochAbove } from '../schema/epoch'
import type { ExchangeDataActivities } from './contract'
import { exchangePlaces } from './pair'

type Input = Parameters<ExchangeDataActivities['planExchange']>[0]

interface Seen {
  readonly source: PhysicalSide
  readonly replica: PhysicalSide
  /** Null: the source is no writer. */
  readonly left: LeftBehind | null
  readonly lagBytes: number | null
}

export async function planExchange(deps: ActivityDeps, input: Input): Promise<ExchangePlanSummary> {
  const { operation, bundle, sides, act, endpoint, locks } = input
  const seen = await look(deps, input)
  const blocks = [...blocksOfCloud(input), ...blocksOfRoles(input, seen), ...blocksOfSlots(seen), ...blocksOfEndpoint(input)]
  const lasting = {
    ...{ version: 1 as const, bundle, ...sides, act, why: whyOf(input), endpointAt: endpoint.at },
    ...{ blocks, warnings: warningsOf(input, seen) },
  }
  const document: ExchangePlan = { ...lasting, lagBytes: seen.lagBytes, digest: sha256Of(lasting) }
  const epoch = await epochAbove(deps, operation, locks?.source ?? null, Math.max(seen.source.epoch, seen.replica.epoch))
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: EXCHANGE_DOCUMENTS.plan, document })
  return { digest: document.digest, epoch, blocks, summary: summaryOf(document) }
}

async function look(deps: ActivityDeps, input: Input): Promise<Seen> {
  const { places } = await exchangePlaces(deps, input)
  const { signal } = currentAct()
  const replica = await looking(deps, places.standby, 'migrator', (session) => physicalSide(session, signal))
  return looking(deps, places.source, 'migrator', async (session) => {
    const source = await physicalSide(session, signal)
    const left = source.replays ? null : await leftBehind(session, signal)
    return { source, replica, left, lagBytes: source.replays ? null : await bytesAhead(session, replica.lsn) }
  })
}

const finding = (what: string, message: string): Finding => ({ rule: `exchange:${what}`, message })

function whyOf({ act }: Input): string {
  return `Both are in one cloud and one holds the other’s very blocks, so ${act.called} carries everything (schema changes, sequences, large objects, roles) and needs neither publication nor comparison`
}

function blocksOfCloud({ obstacles }: Input): Finding[] {
  return obstacles.map((message) => finding('cloud', message))
}

function blocksOfRoles({ sides: { source, standby } }: Input, seen: Seen): Finding[] {
  const found: Finding[] = []
  if (seen.source.replays)
    found.push(
      finding('role', `${source.instance} replays the log of another one and takes no writes: ask for the move from the writer.`),
    )
  if (!seen.replica.replays)
    found.push(
      finding(
        'role',
        `${standby.instance} takes writes itself: it is no replica, and whoever led applications there would have two truths.`,
      ),
    )
  if (seen.source.system !== null && seen.replica.system !== null && seen.source.system !== seen.replica.system)
    found.push(
      finding(
        'system',
        `${standby.instance} is a copy of another server than ${source.instance} (system identifiers ${seen.replica.system} and ${seen.source.system}): an address of one of both leads elsewhere.`,
      ),
    )
  return found
}

/** They are the old writer's, and go with its role. */
function blocksOfSlots({ left }: Seen): Finding[] {
  return (left?.slots ?? []).map((slot) =>
    finding(
      'slots',
      `Logical slot ${slot} would be gone, and its reader get nothing more: a standby of Capstan’s own is removed by "capstan standby remove" and made anew from the new writer; any other reader is to be ended, and its slot dropped.`,
    ),
  )
}

export function blocksOfEndpoint({
  endpoint,
  sides: { source },
}: Pick<Input, 'sides'> & { readonly endpoint: Pick<Input['endpoint'], 'at'> }): Finding[] {
  if (endpoint.at === null || samePlace(endpoint.at, source)) return []
  const { host, port } = endpoint.at
  return [
    finding(
      'endpoint',
      `The endpoint leads to ${host}:${port} and not to the writer at ${source.host}:${source.port}: find out who moved it.`,
    ),
  ]
}

function warningsOf({ endpoint, sides: { source } }: Input, { left, source: writer }: Seen): Finding[] {
  const { others = [], unlogged = [] } = left ?? {}
  return [
    ...(others.length === 0
      ? []
      : [
          finding(
            'whole',
            `The whole instance ${source.instance} is exchanged, with its other databases: ${others.join(', ')}. Who uses them has to be led to the new writer as well.`,
          ),
        ]),
    ...unlogged.map((table) => finding('unlogged', `Table ${table} is unlogged: on the new writer it is empty.`)),
    ...(writer.system === null
      ? [
          finding(
            'system',
            'The migrator may not read the system identifier: that both are of one server is the cloud’s word alone.',
          ),
        ]
      : []),
    ...(endpoint.warnings ?? []).map((message) => finding('endpoint', message)),
  ]
}

function summaryOf({ act, blocks, lagBytes, source, standby }: ExchangePlan): string {
  if (blocks.length > 0) return `${blocks.length} in the way`
  const late = lagBytes === null ? 'late by nobody knows how much' : `${lagBytes} bytes behind`
  return `by ${act.called}: ${standby.instance} takes over from ${source.instance}; it is ${late}`
}
