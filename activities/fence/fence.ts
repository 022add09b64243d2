/** The fence around an instance (postgres/fence/), as the steps of an operation. Every activity that changes something first raises the row of
 *  who may act to its own attempt, so that one that was overtaken can do neither. */
import type { FenceScope, FenceTarget } from '../../contracts/fence'
import type { Session } from '../../postgres/connect/session'
import { type ConnectTo, openKeyhole } from '../../postgres/fence/keyhole'
import { openDatabases } from '../../postgres/fence/lower'
import { proveClosed } from '../../postgres/fence/prove'
import { closeDatabases } from '../../postgres/fence/raise'
import { type FenceToken, tagSession } from '../../postgres/migrate/fence'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { assertMayReopen } from '../overwrite/begun'
import { raiseOwnFence } from '../schema/apply-behind-fence'
import { openSession } from '../schema/open-session'
import { assertStillACopy } from '../took-over'
import { access } from './access'
import type { FenceActivities } from './contract'
import { planFence } from './plan'

/** How long sessions may take to end: one that is being ended may first roll back what it did, which takes seconds. */
const EMPTYING_MS = 60_000

/** Names of an instance's documents in the ledger. */
export const fenceDocuments = (instance: string) => ({
  closing: `fence-${instance}`,
  proof: `fence-proof-${instance}`,
})

export function createFenceActivities(deps: ActivityDeps): FenceActivities {
  return {
    planFence: (input) => planFence(deps, input),
    raiseFence(input) {
      const { operation, scope, target } = input
      return inKeyhole(deps, input, async ({ session, connectTo, token }) => {
        const { closed, ended } = await closeDatabases(session, {
          connectTo,
          scope,
          operation,
          token,
          waitMs: EMPTYING_MS,
          signal: currentAct().signal,
          async beforeChange(closing) {
            assertMayAct()
            const document = { version: 1, instance: target.instance, instanceId: target.instanceId, closing }
            await deps.ledger.putDocument({ operation, name: fenceDocuments(target.instance).closing, document })
          },
        })
        const names = closed.map(({ name }) => name)
        return { closed: names, ended, summary: `${names.join(', ')} closed, ${ended} sessions ended` }
      })
    },
    proveFenced(input) {
      const { operation, step, scope, target, copy, bundle } = input
      return inKeyhole(deps, input, async ({ session, connectTo, token }) => {
        const { database: entry } = await deps.ledger.getBundle(bundle)
        const writer = { entry, role: 'migrator', operation, step, address: target, canary: copy, ownAddress: true } as const
        const connectAsWriter = () => openSession(deps, { ...writer, database: oneOf(scope, entry.database) })
        const proof = await proveClosed(session, { connectTo, connectAsWriter, scope, operation, token })
        assertMayAct()
        await deps.ledger.putDocument({ operation, name: fenceDocuments(target.instance).proof, document: proof })
        return { lsn: proof.lsn, summary: `nobody inside, ${proof.writer.user} turned away, log up to ${proof.lsn}` }
      })
    },
    async lowerFence(input) {
      const { operation, bundle } = input
      // Applications are led to the other one: who wrote into both would have two truths.
      await assertStillACopy(deps.ledger, operation, 'the instance that it fenced stays closed')
      const { database } = await deps.ledger.getBundle(bundle)
      await assertMayReopen(deps.ledger, { operation, database: database.name })
      return inKeyhole(deps, input, async ({ session, token }) => {
        const reopened = await openDatabases(session, { raisedBy: operation, token, signal: currentAct().signal })
        return { reopened, summary: reopened.length === 0 ? 'nothing was closed' : `${reopened.join(', ')} open again` }
      })
    },
  }
}

/** A database that is in the scope: the entry's own where it is. */
function oneOf(scope: FenceScope, own: string): string {
  if (scope === 'instance' || scope.databases.includes(own)) return own
  return scope.databases[0] ?? own
}

interface InKeyhole {
  readonly session: Session
  readonly connectTo: ConnectTo
  readonly token: FenceToken
}

/** With the row of who may act raised to this attempt. */
async function inKeyhole<T>(
  deps: ActivityDeps,
  input: FenceTarget & { readonly epoch: number },
  work: (on: InKeyhole) => Promise<T>,
): Promise<T> {
  const { connectTo, from } = await access(deps, input)
  assertMayAct()
  const session = await openKeyhole({ connectTo, from })
  try {
    const { token } = await raiseOwnFence(session, input.operation, input.epoch)
    await tagSession(session, token)
    return await work({ session, connectTo, token })
  } finally {
    await session.close()
  }
}
