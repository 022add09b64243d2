/** Holds what an operation left behind against what must be true of every operation, however it was disturbed. One auditor for all: a new
 *  invariant is looked at after every fault at once. It names violations and judges nothing else. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FINAL_STATUSES } from '../../contracts/operation'
import { canaryPassword } from '../../postgres/connect/canary-password'
import { connect } from '../../postgres/connect/session'
import { parsePostgresUrl } from '../../postgres/connect/url'
import { labDoor } from './lab'
import type { Migrating } from './migrating'
import { verifying } from './verifying'

export interface Audited {
  readonly operation: string
  /** Ids whose commit the application was told of. */
  readonly acknowledged: readonly number[]
  /** The lab's newest call before it began. */
  readonly since: number
}

/** What is wrong, a sentence each. Empty: nothing. */
export async function audit(it: Migrating, { operation, acknowledged, since }: Audited): Promise<string[]> {
  const found = await Promise.all([
    lostCommits(it, acknowledged),
    invalidIndexes(it),
    unended(it, operation),
    heldLocks(it),
    untidy(it, operation),
    repeatedEffects(it, operation, since),
    secretsToldBy(it, operation),
  ])
  return found.flat()
}

async function lostCommits(it: Migrating, acknowledged: readonly number[]): Promise<string[]> {
  if (acknowledged.length === 0) return ['the application got no commit through, so none could be lost: the run proves nothing']
  const there = new Set((await it.rows<{ id: number }>('SELECT id FROM public.items')).map(({ id }) => id))
  return acknowledged.filter((id) => !there.has(id)).map((id) => `the acknowledged commit of item ${id} is lost`)
}

async function invalidIndexes(it: Migrating): Promise<string[]> {
  const rows = await it.rows<{ name: string }>('SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid')
  return rows.map(({ name }) => `index ${name} is invalid`)
}

/** Ledger and Temporal both say that it is over, and the evidence is there. */
async function unended(it: Migrating, operation: string): Promise<string[]> {
  const { status, evidence, steps } = await it.operation(operation)
  const { status: workflow } = await it.capstan.temporal.workflow.getHandle(operation).describe()
  const open = steps.filter(({ state }) => state === 'running' || state === 'undoing' || state === 'undo-failed')
  return [
    ...(FINAL_STATUSES.includes(status) ? [] : [`the ledger says ${status}`]),
    ...(workflow.name === 'COMPLETED' || workflow.name === 'FAILED' ? [] : [`Temporal says ${workflow.name}`]),
    ...(evidence === null ? ['there is no evidence'] : []),
    ...open.map(({ id, state }) => `step ${id} is still ${state}`),
  ]
}

async function heldLocks(it: Migrating): Promise<string[]> {
  const advisory = await it.rows(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted`)
  const sessions = await it.rows<{ name: string }>(
    `SELECT application_name AS name FROM pg_stat_activity WHERE application_name ~ '^(c[0-9]+[.][0-9]+ )?capstan'`,
  )
  return [
    ...((await it.locked()) ? ["the instance's lock is held"] : []),
    ...((await verifying(it.capstan, it.target)) ? ['the lock of verifications is held'] : []),
    ...(advisory.length > 0 ? ['the migration lock is held'] : []),
    ...sessions.map(({ name }) => `a session is left on the target: ${name}`),
  ]
}

/** What bears the operation's tag in the cloud is what the ledger says is there, and nothing temporary stays but for a declared time. */
async function untidy(it: Migrating, operation: string): Promise<string[]> {
  const resources = await it.capstan.ledger.listResources({ operation })
  const recorded = resources.filter(({ removedAt }) => removedAt === null).map(({ name }) => name)
  const tagged = await it.target.tagged(operation)
  return [
    ...tagged.filter((name) => !recorded.includes(name)).map((name) => `${name} is in the cloud and not in the ledger`),
    ...recorded.filter((name) => !tagged.includes(name)).map((name) => `${name} is in the ledger and not in the cloud`),
    ...resources
      .filter(({ kind, removedAt, expiresAt }) => kind === 'instance' && removedAt === null && expiresAt === null)
      .map(({ name }) => `${name} was left`),
  ]
}

/** One effect per idempotency key: what was made for one step of the operation was made once. */
async function repeatedEffects({ capstan }: Migrating, operation: string, since: number): Promise<string[]> {
  const made = new Map<string, number>()
  for (const call of await labDoor(capstan).calls(since)) {
    const { 'capstan-operation': owner, 'capstan-step': step } = call.tags
    if (!call.effect || owner !== operation || step === undefined) continue
    const key = `${call.operation} for step ${step}`
    made.set(key, (made.get(key) ?? 0) + 1)
  }
  return [...made].filter(([, times]) => times > 1).map(([key, times]) => `${key} took effect ${times} times`)
}

async function secretsToldBy(it: Migrating, operation: string): Promise<string[]> {
  const { secrets, lab } = it.capstan.stack
  const canary = canaryPassword(Buffer.from(secrets.secretKey, 'hex'), operation)
  const secret = Object.entries({
    ...secrets,
    canary,
    awsKey: lab.aws.secretAccessKey,
    ...(lab.token ? { token: lab.token } : {}),
  })
  const places = {
    history: Buffer.concat([await historyOf(it, operation), await historyOf(it, it.target.lockScope)]).toString('latin1'),
    ledger: await ledgerOf(it),
    logs: logsOf(join(it.capstan.dir, 'state', 'logs')),
  }
  return Object.entries(places).flatMap(([place, text]) =>
    secret.filter(([, value]) => text.includes(value)).map(([name]) => `the secret ${name} stands in the ${place}`),
  )
}

async function historyOf(it: Migrating, workflowId: string): Promise<Buffer> {
  const { history } = await it.capstan.temporal.workflowService.getWorkflowExecutionHistory({
    namespace: it.capstan.stack.endpoints.temporal.namespace,
    execution: { workflowId },
    maximumPageSize: 10_000,
  })
  return Buffer.concat((history?.events ?? []).flatMap(binaries))
}

/** Every text and payload in it, whatever the event. */
function binaries(value: unknown): Buffer[] {
  if (typeof value === 'string') return [Buffer.from(value)]
  if (value instanceof Uint8Array) return [Buffer.from(value)]
  if (Array.isArray(value)) return value.flatMap(binaries)
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(binaries) : []
}

async function ledgerOf({ capstan }: Migrating): Promise<string> {
  const session = await connect(parsePostgresUrl(capstan.stack.endpoints.ledgerUrl, { applicationName: 'auditor' }))
  try {
    const tables = await session.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    )
    const texts: string[] = []
    for (const { name } of tables) {
      const [row] = await session.query<{ all: string | null }>(`SELECT string_agg(t::text, ' ') AS all FROM ${name} t`)
      texts.push(row?.all ?? '')
    }
    return texts.join('\n')
  } finally {
    await session.close()
  }
}

function logsOf(folder: string): string {
  // a program says its address and key to whoever started it, in a file of its own that only the owner reads
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'))
  return logs.map((name) => readFileSync(join(folder, name), 'latin1')).join('\n')
}
