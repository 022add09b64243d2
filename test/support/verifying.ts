/** What end-to-end tests of verify-backup have in common: a database with rows, a snapshot of it, and the verification as a user asks for it. */
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds'
import { WorkflowNotFoundError } from '@temporalio/client'
import { type OperationDocument, temporaryName } from '../../contracts/operation'
import {
  type Rung,
  type RungId,
  VERIFY_BACKUP_DOCUMENTS,
  type Verification,
  verificationLock,
} from '../../contracts/verify-backup'
import { controlAddress } from '../../embedded/worker-program'
import { canaryPassword } from '../../postgres/connect/canary-password'
import { connect, type Session } from '../../postgres/connect/session'
import { applyMigrations } from '../../postgres/migrate/apply'
import { resolveMigrations } from '../../postgres/migrate/resolve'
import type { CapstanStack } from './capstan-stack'
import { labDoor } from './lab'
import type { Migrating, Place } from './migrating'
import { FIRST, type Target } from './target'

/** Empties the target and applies the first migration by the engine alone. */
export async function giveRows(target: Target): Promise<void> {
  await target.reset()
  const resolved = resolveMigrations(Object.entries(FIRST).map(([script, content]) => ({ script, content })))
  await applyMigrations({ connect: () => target.migrator(), resolved })
}

export async function verificationOf({ ledger }: CapstanStack, operation: string): Promise<Verification> {
  const held = await ledger.getDocument({ operation, name: VERIFY_BACKUP_DOCUMENTS.verification })
  if (held === null) throw new Error(`${operation} came to no verdict`)
  return held as Verification
}

/** `wanted`: `exists pass`, a line for each rung. What one says is shown where it differs. */
export function expectLadder({ ladder }: Verification, wanted: readonly string[]): void {
  const found = ladder.map(({ id, outcome, summary }, at) => {
    const line = `${id} ${outcome}`
    return line === wanted[at] ? line : `${line}: ${summary}`
  })
  expect(found).toEqual(wanted)
}

/** Whether a verification holds the lock of verifications. */
export async function verifying({ temporal }: CapstanStack, { lockScope }: Target): Promise<boolean> {
  try {
    return (await temporal.workflow.getHandle(verificationLock(lockScope)).describe()).status.name === 'RUNNING'
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false
    throw error
  }
}

/** As the copy's master, by the password that the takeover gave it. */
export function onCopy({ stack }: CapstanStack, operation: string, address: { host: string; port: number }): Promise<Session> {
  const password = canaryPassword(Buffer.from(stack.secrets.secretKey, 'hex'), operation)
  const sourceAddress = controlAddress(stack.block)
  return connect({ ...address, database: 'stock', user: 'stock_admin', password, applicationName: 'e2e copy', sourceAddress })
}

/** Of a copy on RDS. */
export async function addressOfCopy({ stack }: CapstanStack, operation: string): Promise<{ host: string; port: number }> {
  const rds = new RDSClient({ region: 'us-east-1', endpoint: stack.endpoints.labApi, credentials: stack.lab.aws })
  const id = temporaryName(operation, 'copy')
  const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }))
  const { Address: host, Port: port } = DBInstances[0]?.Endpoint ?? {}
  if (host === undefined || port === undefined) throw new Error(`${id} has no address`)
  return { host, port }
}

export function outcomeOf({ ladder }: Verification, id: RungId): Rung['outcome'] | undefined {
  return ladder.find((rung) => rung.id === id)?.outcome
}

/** Short, so that a worker's death is noticed soon. */
const HEARTBEAT = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '3000' }

interface Asked {
  readonly fleet: string
  readonly operation: string
  readonly more: readonly string[]
}

/** `capstan verify-backup stock`, to its end. */
export async function verifyWith(
  { capstan }: Migrating,
  { fleet, operation, more }: Asked,
): Promise<{ code: number; operation: OperationDocument }> {
  const args = ['verify-backup', 'stock', '--fleet', fleet, '--json', '--operation', operation, ...more]
  const { code, stdout, stderr } = await capstan.capstan(args, HEARTBEAT)
  if (stdout === '') throw new Error(`capstan verify-backup said nothing (exit ${code}): ${stderr}`)
  return { code, operation: JSON.parse(stdout) as OperationDocument }
}

/** What a verification left behind that it should not, a sentence each. */
export async function leftBy({ capstan, target }: Place, operation: string): Promise<string[]> {
  const recorded = (await capstan.ledger.listResources({ operation })).filter(({ removedAt }) => removedAt === null)
  const there = [...(await target.tagged(operation)), ...(await target.leftovers())]
  return [
    ...[...new Set(there)].map((name) => `${name} is in the cloud`),
    ...recorded.map(({ name }) => `${name} is in the ledger`),
    ...((await verifying(capstan, target)) ? ['the lock of verifications is held'] : []),
  ]
}

/** Verifies the newest snapshot with the worker killed once at the failpoint, and says what is wrong afterwards. */
export async function killedAt(it: Migrating, { fleet, failpoint }: { fleet: string; failpoint: string }): Promise<string[]> {
  const deaths = it.capstan.deaths()
  const mark = await labDoor(it.capstan).mark()
  const id = failpoint
    .toLowerCase()
    .replace(/[^a-z]+/g, '-')
    .slice(0, 28)
    .replace(/-$/, '')
  it.capstan.arm(failpoint)
  const { operation } = await verifyWith(it, { fleet, operation: id, more: [] })
  const reached = !it.capstan.disarm(failpoint) && it.capstan.deaths() === deaths + 1
  const { status, verdict, failure } = operation
  const restores = (await labDoor(it.capstan).calls(mark)).filter(
    ({ operation: call, effect }) => effect && call === 'RestoreDBInstanceFromDBSnapshot',
  )
  return [
    ...(reached ? [] : [`${failpoint} was never reached`]),
    ...(status === 'succeeded' && verdict === 'pass' ? [] : [`it ended ${status}, ${verdict}: ${failure?.message ?? ''}`]),
    ...(restores.length === 1 ? [] : [`${restores.length} copies were made`]),
    ...(await leftBy(it, id)),
  ]
}
