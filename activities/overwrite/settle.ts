/** The instance holds other data: what an operation had closed in them is opened, and whoever acted on what was there before is kept off. */
import { Failure, failure } from '../../contracts/failures'
import type { Ledger } from '../../ledger/ledger'
import { standingEpoch, tagSession } from '../../postgres/migrate/fence'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openContent } from '../fence/content'
import { raiseOwnFence } from '../schema/apply-behind-fence'
import { openSession, withSession } from '../schema/open-session'
import type { OverwriteDataActivities } from './contract'

export function createOverwriteDataActivities(deps: ActivityDeps): OverwriteDataActivities {
  return {
    async settleContent({ operation, step, bundle, target, epoch }) {
      const { database: entry } = await deps.ledger.getBundle(bundle)
      const request = { entry, operation, step, address: target, canary: false, ownAddress: true } as const
      try {
        const opened = await openContent(
          (database) => openSession(deps, { ...request, role: 'admin', database }),
          async (session) => {
            const { token } = await raiseOwnFence(session, operation, epoch)
            await tagSession(session, token)
            return token
          },
          entry.database,
        )
        // The row of who may migrate is that of then: an attempt from in between would find itself the newest.
        await withSession(deps, { ...request, role: 'migrator' }, async (session) => {
          const standing = await standingEpoch(session)
          // Where it never stood somebody may have made it since: no database that nobody ever changed gets our schema for it.
          const wanted = standing > 0 ? standing < epoch : await wasChanged(deps.ledger, entry.name)
          assertMayAct()
          if (wanted) await raiseOwnFence(session, operation, epoch)
        })
        return { opened }
      } catch (error) {
        if (!(error instanceof Failure) || error.code !== 'CREDENTIALS_REJECTED') throw error
        const message = `${error.message} Passwords are those of the snapshot: give the role the one that the fleet file names, over the cloud's API or console, then have it tried again.`
        throw failure('CREDENTIALS_REJECTED', message, error.facts)
      }
    },
  }
}

/** Whether an operation acted, or may have, under that row. */
async function wasChanged(ledger: Ledger, database: string): Promise<boolean> {
  const found = await Promise.all(
    ['migrate', 'recover-rows'].map((kind) => ledger.listOperations({ database, kind, mode: 'apply', limit: 1 })),
  )
  return found.flat().length > 0
}
