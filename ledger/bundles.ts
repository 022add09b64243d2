/** Bundles: content-addressed by the SHA-256 of their canonical JSON, never changed, never removed. */
import type { MigrationBundle } from '../contracts/bundle'
import { failure } from '../contracts/failures'
import type { Sha256 } from '../contracts/operation'
import type { LedgerDatabase } from './connect'
import { sealDocument, unsealDocument } from './digest'

/** Content-addressed: the same bundle is stored once. */
export async function putBundle(db: LedgerDatabase, bundle: MigrationBundle): Promise<Sha256> {
  const sealed = sealDocument(bundle)
  await db
    .insertInto('bundles')
    .values(sealed)
    .onConflict((conflict) => conflict.column('digest').doNothing())
    .execute()
  return sealed.digest
}

export async function getBundle(db: LedgerDatabase, digest: Sha256): Promise<MigrationBundle> {
  const row = await db.selectFrom('bundles').select(['digest', 'body']).where('digest', '=', digest).executeTakeFirst()
  if (row === undefined) {
    const message = `The ledger holds no bundle ${digest}; start the operation again so that its files are bundled.`
    throw failure('BUNDLE_MISSING', message, { bundle: digest })
  }
  return unsealDocument(row, `bundle ${digest}`) as MigrationBundle
}
