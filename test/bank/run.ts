/** One scenario with its bank: what is wrong afterwards, a sentence each. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FINAL_STATUSES, type OperationDocument } from '../../contracts/operation'
import { compareDatabases } from '../../postgres/verify/compare'
import { eventually, PATIENCE_MS } from '../support/eventually'
import { type Bank, startBank } from './bank'
import { toldWriters, violationsOf } from './checker'
import { reaches, type Struck } from './faults'
import { type Ground, on, type Place, type Standing } from './ground'
import type { GivenUp, Ring, Row, Server, Side } from './history'
import { salvaged } from './salvaged'
import { faultOf, type Scenario } from './scenarios'
import { NODES, SUM, TABLES } from './schema'

/** Faults end after seconds; whoever is not through by then waits for somebody. Longer than anything else waits for something to come: a slow machine is nothing
 *  wrong. */
const ENDS_WITHIN_MS = 2 * PATIENCE_MS

export interface Result {
  readonly wrong: readonly string[]
  /** How each operation ended. */
  readonly ended: readonly string[]
  readonly transactions: number
}

/** Starts from where the bank stands, and leaves it standing, the one following the other. */
export async function runScenario(ground: Ground, scenario: Scenario): Promise<Result> {
  const { from, to, operation, seed } = scenario
  await ground.stand(from, to)
  const ended: string[] = []
  const wrong: string[] = []
  if (ground.standing.writer.cloud !== from) wrong.push(...(await moved(ground, `turn-${seed}`, ended)))
  await ground.isFollowing()
  await forgetOldRuns(ground)
  const run = `r${seed}`
  const bank = await bankOn(ground, scenario, run)
  const turns: Server[] = [ground.standing.writer.server]
  let following = true
  try {
    await bank.goesOn(20)
    wrong.push(...(await disturbed(ground, scenario, ended, turns)))
    await bank.goesOn()
    following = !isGivenUp(scenario, turns) && (await stillFollows(ground, scenario, wrong))
    if (operation === 'there-and-back' && following && turns.length > 1) {
      // its worker may just have failed for what was healed a moment ago, and is started again after seconds
      await ground.isFollowing(Date.now())
      wrong.push(...(await moved(ground, `back-${seed}`, ended)))
      if (ground.standing.writer.server !== turns.at(-1)) turns.push(ground.standing.writer.server)
      await bank.goesOn()
    }
  } catch (error) {
    const seen = await bank.stop().catch(() => null)
    if (seen === null || !(error instanceof Error)) throw error
    const before = [...ended, ...wrong, toldWriters(seen, turns[0] ?? '')].join('; ')
    throw new Error(`${error.message}; until then ${before}`, { cause: error })
  }
  const seen = await bank.stop()
  const { writer, follower } = ground.standing
  const gone = isGivenUp(scenario, turns)
  let givenUp: GivenUp | null = null
  if (gone)
    givenUp = await salvaged(ground, { operation: `op-${seed}`, run }, wrong).catch((error: Error) => {
      throw new Error(`${error.message}; until then ${toldWriters(seen, turns[0] ?? '')}`, { cause: error })
    })
  else if (following) await ground.caughtUp()
  const looked = following || gone ? [writer, follower] : [writer]
  const sides = await Promise.all(looked.map((place) => sideOf(place, run)))
  wrong.push(
    ...violationsOf({ ...seen, sum: SUM, nodes: NODES, turns, sides, givenUp, crashes: !faultOf(scenario).asynchronous }),
  )
  if (following) wrong.push(...(await different(ground.standing)))
  else if (gone) await ground.reunited()
  else await ground.anew()
  return { wrong, ended, transactions: seen.attempts.filter(({ outcome }) => outcome === 'acknowledged').length }
}

/** Nothing follows any more, and the old writer may have rows alone. */
const isGivenUp = ({ operation }: Scenario, turns: readonly Server[]): boolean => operation === 'failover' && turns.length > 1

async function bankOn(ground: Ground, scenario: Scenario, run: string): Promise<Bank> {
  const { writer, follower } = ground.standing
  const application = await ground.application()
  const { writers, seed } = scenario
  const { asynchronous, patienceMs } = faultOf(scenario)
  const patient = patienceMs === undefined ? application : { ...application, patienceMs }
  return startBank({
    writers: Array.from({ length: writers }, (_, at) => ({
      ...{ login: patient, name: `${run}/${at}` },
      ...{ asynchronous: asynchronous && at % 2 === 1, seed: seed * 100 + at },
    })),
    probes: [
      { login: application, endpoint: 'application', run },
      ...[writer, follower].map((place) => ({ login: ground.direct(place), endpoint: place.cloud, run })),
    ],
    readers: [writer, follower].map((place) => ground.reader(place)),
  })
}

/** One that nothing disturbs. */
async function moved(ground: Ground, operation: string, ended: string[]): Promise<string[]> {
  await ground.isFollowing()
  const { writer, follower } = ground.standing
  const document = await ground.ended(operation, 'switchover', writer.name, '--to', follower.name)
  ended.push(`${operation} ${document.status}`)
  const now = await ground.whoWrites()
  return document.status === 'succeeded' && now.writer.server === follower.server ? [] : [ending(document)]
}

function ending({ id, status, failure, steps }: OperationDocument): string {
  const found = steps.flatMap(({ detail }) => detail.findings ?? []).map(({ rule, message }) => `${rule} ${message}`)
  const why = failure === null ? `no failure${found.map((one) => `; ${one}`).join('')}` : `${failure.code} ${failure.message}`
  return `${id} ended ${status} at ${steps.at(-1)?.id}: ${why}`
}

const SWITCHOVER = ['switchover'] as const
/** Tickets, which no column draws, are looked at once a minute: the bank takes more of them meanwhile than the margin is by default. */
const FAILOVER = ['failover', '--patience', '2s', '--accept-loss', '1h', '--sequence-margin', '1000000'] as const

async function disturbed(ground: Ground, scenario: Scenario, ended: string[], turns: Server[]): Promise<string[]> {
  const { seed, operation, chance } = scenario
  const fault = faultOf(scenario)
  const before = ground.standing
  const [, abortedAt = null] = operation.split(':')
  const struck: Struck = { ...before, ground, operation: `op-${seed}`, run: `r${seed}`, abortedAt, chance }
  const heals = [await fault.before?.(struck)]
  const [how, ...more] = operation === 'failover' ? FAILOVER : SWITCHOVER
  const words = [how, before.writer.name, '--to', before.follower.name, ...more, ...(fault.words ?? [])]
  const running = ground.ended(struck.operation, ...words)
  const all = [inTime(running, struck), fault.during?.(struck).then((heal) => void heals.push(heal)), aborted(struck)] as const
  const [left] = await Promise.all(all).finally(async () => {
    // what strikes later than something fails is healed as well
    await Promise.allSettled(all)
    for (const heal of heals) await heal?.()
  })
  const document = fault.parks === true && left.status === 'needs-operator' ? await triedAgain(ground, left) : left
  ended.push(`${struck.operation} ${document.status}`)
  const now = await ground.whoWrites()
  const hasMoved = now.writer.server !== before.writer.server
  if (hasMoved) turns.push(now.writer.server)
  const may = [...fault.ends, ...(abortedAt === null ? [] : ['aborted'])]
  return [
    ...(may.includes(document.status) ? [] : [ending(document)]),
    ...(hasMoved === (document.status === 'succeeded')
      ? []
      : [`${ending(document)}, and applications are led to ${now.writer.cloud}`]),
  ]
}

async function triedAgain(ground: Ground, { id }: OperationDocument): Promise<OperationDocument> {
  await ground.cli('ops', 'resolve', id, 'retry')
  return eventually(`the end of ${id}`, async () => {
    const found = await ground.capstan.ledger.getOperation(id)
    return found !== null && FINAL_STATUSES.includes(found.status) ? found : undefined
  })
}

async function inTime(running: Promise<OperationDocument>, { operation, ground }: Struck): Promise<OperationDocument> {
  const over = new AbortController()
  const late = sleep(ENDS_WITHIN_MS, undefined, { signal: over.signal, ref: false }).then(async () => {
    const record = await ground.capstan.ledger.getOperation(operation)
    const { raw } = await ground.capstan.temporal.workflow.getHandle(operation).describe()
    const tried = raw.pendingActivities?.map(({ activityType, lastFailure }) => `${activityType?.name}: ${lastFailure?.message}`)
    throw new Error(
      `${operation} has not ended: it is ${record?.status} at ${record?.steps.at(-1)?.id}, and tries ${tried?.join('; ')}`,
    )
  })
  late.catch(() => undefined)
  return Promise.race([running, late]).finally(() => over.abort())
}

async function aborted(struck: Struck): Promise<void> {
  const { abortedAt, chance, ground, operation } = struck
  if (abortedAt === null) return
  const waits = chance.below(400)
  if (!(await reaches(struck, abortedAt))) return
  await sleep(waits)
  await ground.cli('ops', 'abort', operation, '--reason', 'not now')
}

/** Only what took the slot away may leave none. */
async function stillFollows(ground: Ground, { fault }: Scenario, wrong: string[]): Promise<boolean> {
  const slot = `SELECT 1 FROM pg_replication_slots WHERE slot_name = '${ground.slot()}'`
  const there = (await on(ground.standing.writer.target.admin, slot)).length > 0
  if (!there && fault !== 'slot is gone') wrong.push(`there is no slot ${ground.slot()} on the writer`)
  return there
}

/** What earlier runs wrote and nobody asks for any more. */
async function forgetOldRuns(ground: Ground): Promise<void> {
  const { migrator } = ground.standing.writer.target
  await on(migrator, 'DELETE FROM public.transfers; DELETE FROM public.clients; DELETE FROM public.probes')
}

interface Found {
  readonly server: Server
  readonly sum: number
  readonly ring: Ring
  readonly rows: readonly Row[]
  readonly clients: Side['clients']
  readonly probes: Side['probes']
}

export async function sideOf({ target }: Place, run: string): Promise<Side> {
  const whole = (of: string) => `(SELECT coalesce(json_agg(f), '[]') FROM (${of}) f)`
  const [found] = await on<{ found: Found }>(
    target.admin,
    `SELECT json_build_object('server', (SELECT system_identifier::text FROM pg_control_system()), 'sum', (SELECT sum(balance) FROM public.accounts),
       'ring', (SELECT json_agg(json_build_array(node, next) ORDER BY node) FROM public.ring),
       'rows', ${whole(`SELECT key, writer, seq, id, ticket, server FROM public.transfers WHERE writer LIKE '${run}/%'`)},
       'clients', ${whole(`SELECT writer, last FROM public.clients WHERE writer LIKE '${run}/%'`)},
       'probes', ${whole(`SELECT id, server FROM public.probes WHERE run = '${run}'`)}) AS found`,
  )
  if (found === undefined) throw new Error('one row has them all')
  return found.found
}

async function different({ writer, follower }: Standing): Promise<string[]> {
  const sides = { source: writer.target.migrator, target: follower.target.migrator }
  const compared = await compareDatabases({ ...sides, mode: 'static', jobs: 1, selection: { tables: TABLES, exclude: [] } })
  if (compared.verdict === 'equal') return []
  const told = compared.tables
    .filter(({ verdict }) => verdict !== 'equal')
    .map(({ table, differences }) => `${table} ${JSON.stringify(differences)}`)
  return [`compared, ${writer.cloud} and ${follower.cloud} are ${compared.verdict}: ${told.join('; ')}`]
}
