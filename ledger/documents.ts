/** Documents of an operation: working papers (plan, rehearsal, checks), replaceable by name until it is over, and the evidence,
 *  which is written once. */
import { failure } from '../contracts/failures'
import type { OperationId, Sha256 } from '../contracts/operation'
import type { LedgerDatabase } from './connect'
import { sealDocument, unsealDocument } from './digest'
import { isFinal, operationUnknown } from './operations'

export interface DocumentRef {
  readonly operation: OperationId
  /** What it is to the operation: `plan`, `rehearsal`, `checks`, … */
  readonly name: string
}

export async function putDocument(db: LedgerDatabase, d: DocumentRef & { document: unknown }): Promise<Sha256> {
  const sealed = sealDocument(d.document)
  return await db.transaction().execute(async (tx) => {
    // The operation's row is locked, so that its end and a late document cannot pass each other.
    const operation = await tx
      .selectFrom('operations')
      .select('status')
      .where('id', '=', d.operation)
      .forUpdate()
      .executeTakeFirst()
    if (operation === undefined) throw operationUnknown(d.operation)
    const held = await tx
      .selectFrom('documents')
      .select('digest')
      .where('operation', '=', d.operation)
      .where('name', '=', d.name)
      .executeTakeFirst()
    if (held?.digest === sealed.digest) return sealed.digest
    if (isFinal(operation.status)) {
      const message = `Operation ${d.operation} ended ${operation.status}; its document "${d.name}" can no longer change.`
      throw failure('OPERATION_CLOSED', message, { operation: d.operation, document: d.name })
    }
    await tx
      .insertInto('documents')
      .values({ operation: d.operation, name: d.name, ...sealed })
      .onConflict((conflict) => conflict.columns(['operation', 'name']).doUpdateSet({ ...sealed, updated_at: new Date() }))
      .execute()
    return sealed.digest
  })
}

/** Keeps the first: a repeat changes nothing and is answered with what is held. */
export async function putDocumentOnce(db: LedgerDatabase, d: DocumentRef & { document: unknown }): Promise<unknown> {
  const sealed = sealDocument(d.document)
  await db
    .insertInto('documents')
    .values({ operation: d.operation, name: d.name, ...sealed })
    .onConflict((conflict) => conflict.columns(['operation', 'name']).doNothing())
    .execute()
  return getDocument(db, d)
}

export async function getDocument(db: LedgerDatabase, q: DocumentRef): Promise<unknown> {
  const row = await db
    .selectFrom('documents')
    .select(['digest', 'body'])
    .where('operation', '=', q.operation)
    .where('name', '=', q.name)
    .executeTakeFirst()
  return row === undefined ? null : unsealDocument(row, `document ${q.name} of ${q.operation}`)
}

/** The first evidence stands: a repeat answers its digest, whatever it brought. */
export async function writeEvidence(db: LedgerDatabase, e: { operation: OperationId; document: unknown }): Promise<Sha256> {
  const sealed = sealDocument(e.document)
  return await db.transaction().execute(async (tx) => {
    const operation = await tx.selectFrom('operations').select('id').where('id', '=', e.operation).forUpdate().executeTakeFirst()
    if (operation === undefined) throw operationUnknown(e.operation)
    const held = await tx.selectFrom('evidence').select('digest').where('operation', '=', e.operation).executeTakeFirst()
    if (held !== undefined) return held.digest
    await tx
      .insertInto('evidence')
      .values({ operation: e.operation, ...sealed })
      .execute()
    await tx.updateTable('operations').set({ evidence: sealed.digest }).where('id', '=', e.operation).execute()
    return sealed.digest
  })
}

export interface Evidence {
  readonly digest: Sha256
  readonly document: unknown
}

export async function getEvidence(db: LedgerDatabase, operation: OperationId): Promise<Evidence | null> {
  const row = await db.selectFrom('evidence').select(['digest', 'body']).where('operation', '=', operation).executeTakeFirst()
  return row === undefined ? null : { digest: row.digest, document: unsealDocument(row, `evidence of ${operation}`) }
}
