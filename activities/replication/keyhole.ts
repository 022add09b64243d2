/** The keyhole of either side (postgres/fence/keyhole.ts), with its row of who may act raised to this attempt: from there a database is closed, opened, and kept
 *  from applications. Always at the address that the cloud gives: a name may lead elsewhere by now. */
import { Failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import { quoteIdentifier } from '../../postgres/connect/quote'
import type { Session } from '../../postgres/connect/session'
import { type ConnectTo, enterKeyhole, KEYHOLE, openKeyhole } from '../../postgres/fence/keyhole'
import { type MovedAway, readMovedAway } from '../../postgres/fence/moved-away'
import { closerOf } from '../../postgres/fence/raise'
import { type FenceToken, standingEpoch } from '../../postgres/migrate/fence'
import { giveBack, isKeptOut, type KeptOut, keepOut, type LetIn, letIn } from '../../postgres/replicate/keep-out'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { raiseOwnFence } from '../schema/apply-behind-fence'
import { openSession } from '../schema/open-session'
import { answering } from './ready'
import type { Place } from './sides'

/** Every managed server has it, and a customer may still have dropped it. */
export const MAINTENANCE = 'postgres'

export interface InKeyhole {
  readonly session: Session
  readonly connectTo: ConnectTo
  readonly token: FenceToken
}

/** `cutBy`: as in `openSession`. */
export function masterOf(
  deps: ActivityDeps,
  { ref: { operation, step }, entry, address }: Place,
  cutBy?: AbortSignal,
): ConnectTo {
  const asked = { entry, role: 'admin', operation, step, address, canary: false, ownAddress: true } as const
  return (database) => openSession(deps, { ...asked, database, ...(cutBy !== undefined && { cutBy }) })
}

export async function inKeyholeOf<T>(
  deps: ActivityDeps,
  place: Place,
  epoch: number,
  work: (on: InKeyhole) => Promise<T>,
): Promise<T> {
  const connectTo = masterOf(deps, place)
  const { operation, step } = place.ref
  assertMayAct()
  // whoever opened it has just looked whose its control schema is
  const raising = { name: `capstan ${operation} ${step}`, ensured: true }
  const { session, told, stood } = await answering(place, 'keyhole', {
    open: () => openKeyhole({ connectTo, from: [place.entry.database, MAINTENANCE] }),
    ask: (opened) => raiseOwnFence(opened, operation, epoch, raising),
  })
  try {
    assertMayAct()
    return await work({ session, connectTo, token: told.token })
  } finally {
    const closing = session.close()
    // a goodbye is one more way, and behind the fence nobody waits for it
    if (!stood) await closing
  }
}

/** A keyhole has a row of its own, which may stand higher than that of the database: whoever is to act in both needs to be above both. 0: there is none, or
 *  it is another's, which is told where something is to be done in it. Reads only. */
export async function standingInKeyhole(deps: ActivityDeps, place: Place): Promise<number> {
  try {
    const keyhole = await enterKeyhole(masterOf(deps, place))
    return keyhole === null ? 0 : await standingEpoch(keyhole).finally(() => keyhole.close())
  } catch (error) {
    if (isNotOurs(error)) return 0
    throw error
  }
}

/** `publisher`: as whom another one follows this database, should it come to that. */
export function keepApplicationsOut(
  { session, token }: InKeyhole,
  { entry, ref }: Place,
  publisher: string | null,
): Promise<KeptOut> {
  const keep = namesKept(entry, publisher)
  return keepOut(session, { database: entry.database, token, operation: ref.operation, keep, signal: currentAct().signal })
}

/** Who may connect all the same. */
export function namesKept({ connections: { admin, migrator } }: DatabaseEntry, publisher: string | null): string[] {
  return [admin.user, migrator.user, ...(publisher === null ? [] : [publisher])]
}

/** `stay`: as whom another one follows this database. `writes`: as in `letIn`. */
export function letApplicationsIn(
  { session, token }: InKeyhole,
  { entry }: Place,
  { stay = [], writes = false }: { readonly stay?: readonly string[]; readonly writes?: boolean } = {},
): Promise<LetIn> {
  return letIn(session, { database: entry.database, token, stay, writes, signal: currentAct().signal })
}

/** The undo of `keepApplicationsOut`, and of nothing that was taken before this operation. Safe to repeat, and where there is no keyhole. */
export async function giveApplicationsBack(deps: ActivityDeps, place: Place, epoch: number): Promise<void> {
  if (!(await hasKeptOut(deps, place))) return
  await inKeyholeOf(deps, place, epoch, async ({ session, token }) => {
    await giveBack(session, { database: place.entry.database, token, operation: place.ref.operation })
  })
}

/** A keyhole that is another's has nothing of ours. */
async function hasKeptOut(deps: ActivityDeps, place: Place): Promise<boolean> {
  try {
    const keyhole = await enterKeyhole(masterOf(deps, place))
    if (keyhole === null) return false
    const asked = { database: place.entry.database, operation: place.ref.operation }
    return await isKeptOut(keyhole, asked).finally(() => keyhole.close())
  } catch (error) {
    if (isNotOurs(error)) return false
    throw error
  }
}

/** Null: they come in as they did before. Where there is no keyhole nobody was kept out. A sentence: it is not ours to let them in, or writing has moved away
 *  from it, so that whoever still knows its address would write where nobody looks; what was made can be taken away all the same, and a person has to know. */
export async function letInWhereKeptOut(deps: ActivityDeps, place: Place, epoch: number): Promise<string | null> {
  try {
    const keyhole = await enterKeyhole(masterOf(deps, place))
    if (keyhole === null) return null
    const moved = await readMovedAway(keyhole, place.entry.database).finally(() => keyhole.close())
    if (moved !== null) return staysShut(place, moved)
    await inKeyholeOf(deps, place, epoch, (on) => letApplicationsIn(on, place))
    return null
  } catch (error) {
    if (!isNotOurs(error)) throw error
    return `Who may connect to ${place.entry.name} was not put back: ${error.message}`
  }
}

function staysShut({ entry: { name, database } }: Place, { operation, writer }: MovedAway): string {
  return `${operation} has moved writing from ${name} to ${writer}: applications stay kept out of ${name}. To let them in all the same, as its master, in the database ${KEYHOLE}: SELECT grants FROM capstan.kept_out; then GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO each of them (role null: PUBLIC).`
}

/** By which, and where to, writing has moved away from it; null: it has not, or its keyhole is another's. Reads only. */
export async function movedAwayFrom(deps: ActivityDeps, place: Place, cutBy?: AbortSignal): Promise<MovedAway | null> {
  try {
    const keyhole = await enterKeyhole(masterOf(deps, place, cutBy))
    return keyhole === null ? null : await readMovedAway(keyhole, place.entry.database).finally(() => keyhole.close())
  } catch (error) {
    if (isNotOurs(error)) return null
    throw error
  }
}

/** By which operation it was closed, as far as is written there, and not opened again by it; null: by none, or its keyhole is another's. Reads only. */
export async function closedBeside(deps: ActivityDeps, place: Place): Promise<string | null> {
  try {
    const keyhole = await enterKeyhole(masterOf(deps, place))
    return keyhole === null ? null : await closerOf(keyhole, place.entry.database).finally(() => keyhole.close())
  } catch (error) {
    if (isNotOurs(error)) return null
    throw error
  }
}

/** A sentence. Where it is not ours to say who connects, that is told and stops nothing: a standby is none the worse for following. */
export async function toldKeptOut(deps: ActivityDeps, place: Place, epoch: number, publisher: string | null): Promise<string> {
  try {
    const { revoked, stillIn } = await inKeyholeOf(deps, place, epoch, (on) => keepApplicationsOut(on, place, publisher))
    const others = stillIn.length === 0 ? '' : `, and so may ${stillIn.join(', ')}`
    return revoked.length === 0 ? `who may connect is as it was${others}` : `only its own roles may connect${others}`
  } catch (error) {
    if (!isNotOurs(error)) throw error
    return `applications are not all kept out: ${error.message}`
  }
}

const NOT_OURS: readonly string[] = ['FENCE_REFUSED', 'CONTROL_SCHEMA_FOREIGN', 'CREDENTIALS_REJECTED']

/** Refused, or not even let in: a keyhole of another master lets in nobody but him. */
function isNotOurs(error: unknown): error is Failure {
  return error instanceof Failure && NOT_OURS.includes(error.code)
}
