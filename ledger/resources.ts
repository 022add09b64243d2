/** What operations made in a cloud: nothing that was made is forgotten, and retention can be honoured after the operation's end. */
import type { Selectable } from 'kysely'
import { OLD_INSTANCE } from '../contracts/old-instance'
import type { IsoInstant, OperationId } from '../contracts/operation'
import type { LedgerDatabase } from './connect'
import type { LedgerTables } from './tables'

export interface CloudResource {
  readonly operation: OperationId
  readonly cloud: string
  /** `instance`, `snapshot`, … */
  readonly kind: string
  readonly name: string
  readonly createdAt: IsoInstant
  /** When it may be removed; null: with the operation. */
  readonly expiresAt: IsoInstant | null
  readonly removedAt: IsoInstant | null
}

/** Safe to repeat. A resource once recorded keeps its creation time; a removal is never taken back. */
export async function recordResource(db: LedgerDatabase, resource: CloudResource): Promise<void> {
  await db
    .insertInto('resources')
    .values({
      operation: resource.operation,
      cloud: resource.cloud,
      kind: resource.kind,
      name: resource.name,
      created_at: resource.createdAt,
      expires_at: resource.expiresAt,
      removed_at: resource.removedAt,
    })
    .onConflict((conflict) =>
      conflict.columns(['operation', 'cloud', 'kind', 'name']).doUpdateSet((eb) => ({
        expires_at: eb.ref('excluded.expires_at'),
        removed_at: eb.fn.coalesce('resources.removed_at', 'excluded.removed_at'),
      })),
    )
    .execute()
}

export async function listResources(db: LedgerDatabase, q: { operation: OperationId }): Promise<CloudResource[]> {
  const rows = await db
    .selectFrom('resources')
    .selectAll()
    .where('operation', '=', q.operation)
    .orderBy('created_at')
    .orderBy('name')
    .execute()
  return rows.map(resourceOf)
}

/** Instances that outlive their operation and are there, the first to go first. */
export function listKeptInstances(db: LedgerDatabase): Promise<CloudResource[]> {
  return listKept(db, 'instance')
}

/** Instances whose place another one took, which are kept for a time and are there. */
export function listReplacedInstances(db: LedgerDatabase): Promise<CloudResource[]> {
  return listKept(db, OLD_INSTANCE)
}

async function listKept(db: LedgerDatabase, kind: string): Promise<CloudResource[]> {
  const rows = await db
    .selectFrom('resources')
    .selectAll()
    .where('kind', '=', kind)
    .where('removed_at', 'is', null)
    .where('expires_at', 'is not', null)
    .orderBy('expires_at')
    .orderBy('name')
    .execute()
  return rows.map(resourceOf)
}

function resourceOf(row: Selectable<LedgerTables['resources']>): CloudResource {
  return {
    operation: row.operation,
    cloud: row.cloud,
    kind: row.kind,
    name: row.name,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    removedAt: row.removed_at?.toISOString() ?? null,
  }
}
