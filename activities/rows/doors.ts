/** Connections to both sides of a recovery of rows. */
import { Failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { InstanceAddress } from '../../contracts/migrate'
import type { StepRef } from '../../contracts/step-ref'
import type { Session } from '../../postgres/connect/session'
import { type FenceToken, fencedName } from '../../postgres/migrate/fence'
import type { RecoveryProgress } from '../../postgres/row-recovery/recovered'
import type { ActivityDeps } from '../deps'
import { raiseOwnFence } from '../schema/apply-behind-fence'
import { openSession, withSession } from '../schema/open-session'

interface Place {
  readonly entry: DatabaseEntry
  readonly ref: StepRef
  readonly address: InstanceAddress
}

/** As the migrator, from whom the tables are. `token`: what its connections are called by, so that a later attempt ends them. */
export function liveDoor(deps: ActivityDeps, { entry, ref, address }: Place, token?: FenceToken): () => Promise<Session> {
  const { operation, step } = ref
  const name = token === undefined ? {} : { applicationName: fencedName(token, `capstan ${operation}`) }
  return () => openSession(deps, { entry, role: 'migrator', operation, step, address, canary: false, ...name })
}

/** As the migrator; as the master where the migrator had another password at that moment. `old`: it is no copy, but an old writer, which nobody but us comes into. */
export function copyDoor(deps: ActivityDeps, { entry, ref, address }: Place, old?: DatabaseEntry): () => Promise<Session> {
  const { operation, step } = ref
  if (old !== undefined) {
    const asked = { entry: old, role: 'migrator', operation, step, address, canary: false, ownAddress: true } as const
    return () => openSession(deps, asked)
  }
  const as = (role: 'migrator' | 'admin') => openSession(deps, { entry, role, operation, step, address, canary: true })
  return async () => {
    try {
      return await as('migrator')
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'CREDENTIALS_REJECTED') throw error
      return as('admin')
    }
  }
}

/** For this attempt: older ones are shut out and their connections ended. */
export async function raisedToken(deps: ActivityDeps, { entry, ref, address }: Place, epoch: number): Promise<FenceToken> {
  const { operation, step } = ref
  const on = { entry, role: 'migrator', operation, step, address, canary: false } as const
  return withSession(deps, on, async (session) => (await raiseOwnFence(session, operation, epoch)).token)
}

const NOTED_EVERY_MS = 1_000

/** For the record, now and then. Progress is for people: a line that is lost stops nothing. */
export function progressNotes({ ledger }: ActivityDeps, { operation, step }: StepRef) {
  let notedAt = Number.NEGATIVE_INFINITY
  let chain: Promise<void> = Promise.resolve()
  return {
    hear({ phase, table, rows }: RecoveryProgress): void {
      const now = performance.now()
      if (now - notedAt < NOTED_EVERY_MS) return
      notedAt = now
      const summary = `${phase} ${table}, ${rows.toLocaleString('en-US')} rows`
      chain = chain.then(() => ledger.noteProgress({ operation, step, detail: { summary } })).catch(() => undefined)
    },
    settle: () => chain,
  }
}
