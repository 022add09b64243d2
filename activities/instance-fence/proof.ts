/** Whether a fence through a cloud holds, as seen from where databases are served. A cloud's word that an instance is stopped is not taken while anything
 *  speaks at its address or a connection from before lives: docs/decisions/0033. */
import { Failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { CloudFenceProof, FenceState } from '../../contracts/instance-fence'
import { greet, NOBODY_THERE } from '../../postgres/connect/greeting'
import type { Session } from '../../postgres/connect/session'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openSession } from '../schema/open-session'
import type { FenceProofActivities, Fencing } from './contract'

type Deps = Pick<ActivityDeps, 'ledger' | 'resolveSecret' | 'secretKey' | 'sourceAddress'>
type At = { readonly address: { readonly host: string; readonly port: number } }

/** For a frozen server, or a network that drops packets. */
const ANSWER_MS = 3_000

/** `ended`: the server itself ended it; `dead`: its end was not told, or the network's. `silent`: neither an answer nor an end. */
type WitnessState = 'alive' | 'ended' | 'dead' | 'silent' | 'none'

/** What somebody meets who comes anew. `stands`: a connection is accepted, and nothing comes; `turned-away`: a server spoke, and lets nobody in from here. `speaks`: it spoke, and would let in. `refused`: nobody
 *  listens. `unasked`: the address could not be found, or the attempt failed of something of our own. */
type Knock = 'in' | 'speaks' | 'stands' | 'turned-away' | 'refused' | 'silent' | 'unasked'

interface Witness {
  readonly session: Session
  /** A question that has no answer yet. */
  asked: Promise<'alive' | 'ended' | 'dead'> | null
}

export function createFenceProofActivities(deps: Deps): FenceProofActivities {
  // Of this process: a connection belongs to no other.
  const witnesses = new Map<string, Witness>()
  return {
    async holdWitness(input) {
      const held = witnesses.get(keyOf(input))
      if (held !== undefined && !/dead|ended/.test(await ask(held))) return { held: true }
      const { database } = await deps.ledger.getBundle(input.bundle)
      try {
        const session = await comeIn(deps, input, database)
        await witnesses.get(keyOf(input))?.session.close()
        witnesses.set(keyOf(input), { session, asked: null })
        return { held: true }
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        return { held: false }
      }
    },
    async judgeFence({ said, ordered, ...input }) {
      const { database } = await deps.ledger.getBundle(input.bundle)
      const held = witnesses.get(keyOf(input))
      const asked: Promise<WitnessState> = held === undefined ? Promise.resolve('none') : ask(held)
      const [knock, witness] = await Promise.all([knockOn(deps, input, database), asked])
      return judge({ said, knock, witness, means: ordered.means })
    },
    async releaseWitness(input) {
      const held = witnesses.get(keyOf(input))
      witnesses.delete(keyOf(input))
      // A server that is stopped does not say goodbye.
      await held?.session.close().catch(() => undefined)
    },
  }
}

function keyOf({ operation, target }: Fencing): string {
  return `${operation} ${target.instanceId}`
}

function comeIn(deps: Deps, { operation, step, target, address }: Fencing & At, entry: DatabaseEntry): Promise<Session> {
  const where = { ...target, ...address, engineVersion: '' }
  return openSession(deps, {
    ...{ entry, role: 'admin', operation, step, address: where, canary: false },
    ...{ ownAddress: true, connectTimeoutMs: ANSWER_MS },
  })
}

/** admin_shutdown: a server that shuts down says so, and so does one of which somebody ends a session alone. */
const SHUTS_DOWN = '57P01'

async function ask(witness: Witness): Promise<'alive' | 'ended' | 'dead' | 'silent'> {
  witness.asked ??= witness.session.query('SELECT 1').then(
    () => 'alive' as const,
    (error) => (error instanceof Failure && error.facts.reason === SHUTS_DOWN ? 'ended' : 'dead'),
  )
  const state = await Promise.race([witness.asked, silence(currentAct().signal)])
  if (state !== 'silent') witness.asked = null
  return state
}

function silence(signal: AbortSignal): Promise<'silent'> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve('silent')
    }, ANSWER_MS)
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    signal.addEventListener('abort', stop, { once: true })
  })
}

/** A server that stands still is listened for by its kernel: what accepts a connection and says nothing may go on. */
async function knockOn(deps: Deps, input: Fencing & At, database: DatabaseEntry): Promise<Knock> {
  const { host, port } = input.address
  const { signal } = currentAct()
  const { sourceAddress } = deps
  const { greeting, said } = await greet({ host, port, timeoutMs: ANSWER_MS, sourceAddress, signal })
  if (greeting === 'accepted') return 'stands'
  if (greeting === 'unasked') return 'unasked'
  if (greeting === 'absent') return said === NOBODY_THERE ? 'refused' : 'silent'
  try {
    const session = await comeIn(deps, input, database)
    await session.close()
    return 'in'
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return met(error)
  }
}

/** 28000: the server itself says that it lets nobody in from here, or without encryption. */
const TURNED_AWAY = '28000'
/** It greeted a moment ago, and went: it may be on its way down, or be short of something. */
const WENT = /^(ECONNRESET|EPIPE|the connection was closed)$/

function met({ code, facts }: Failure): Knock {
  if (facts.sqlState !== undefined) return facts.sqlState === TURNED_AWAY ? 'turned-away' : 'speaks'
  if (code !== 'DATABASE_UNREACHABLE') return code === 'SECRET_UNRESOLVED' ? 'unasked' : 'speaks'
  const reason = String(facts.reason ?? '')
  if (reason === 'ECONNREFUSED') return 'refused'
  if (WENT.test(reason)) return 'stands'
  return /^(no answer in time|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN)$/.test(reason) ? 'silent' : 'unasked'
}

interface Seen {
  readonly said: FenceState
  readonly knock: Knock
  readonly witness: WitnessState
  readonly means: CloudFenceProof['means']
}

/** Pure. Only a stopped or a gone instance has no old connections: that ours is dead says nothing of others', since one may be ended alone, in the
 *  very words of a shutdown. And its cloud's word that it is stopped wants one of the instance's own: its machine's, that nobody listens any more. A network that is cut is silent too. */
export function judge({ said, knock, witness, means }: Seen): CloudFenceProof {
  const gone = said.state === 'gone'
  const ended = gone || said.state === 'stopped'
  const toldSo = knock === 'refused'
  const isOut = toldSo || knock === 'turned-away'
  const speaks = !['refused', 'silent', 'unasked'].includes(knock)
  const newConnectionsRefused = isOut && (ended || (said.state !== 'unknown' && said.lettingIn.length === 0))
  // whoever has the address of one that is gone may be another instance; a connection from before can only be the old one's
  const oldOnesDead =
    witness === 'alive' || (said.state === 'stopped' && speaks) ? false : ended && (gone || toldSo) ? true : 'unknown'
  const proven = gone ? oldOnesDead === true : newConnectionsRefused && oldOnesDead === true
  return {
    ...{ newConnectionsRefused: gone ? oldOnesDead === true : newConnectionsRefused, oldOnesDead, proven, gone, means },
    ...(said.state === 'stopped' && oldOnesDead === 'unknown' && { silence: true }),
    evidence: [cloudsWord(said), KNOCKS[knock], WITNESSES[witness]],
    at: new Date().toISOString(),
  }
}

function cloudsWord({ state, cloudState, lettingIn }: FenceState): string {
  if (state === 'gone') return 'Its cloud has no such instance any more.'
  if (state === 'unknown') return 'Its cloud shows no such instance, and nothing that tells whether the right account was asked.'
  const open = lettingIn.length === 0 ? 'lets in nobody but the control plane' : `still lets in ${lettingIn.join(', ')}`
  return `Its cloud says ${cloudState}, and that its network ${open}.`
}

const KNOCKS: Readonly<Record<Knock, string>> = {
  in: 'Whoever comes from the control plane comes in.',
  speaks: 'A server answers whoever comes from the control plane.',
  stands: 'A connection is accepted at its address, and nothing answers: what stands still there may go on.',
  'turned-away': 'A server runs at its address and turns away whoever comes from the control plane.',
  refused: 'Nobody listens at its address.',
  silent: 'Nothing answers at its address, which a network that is cut shows as well.',
  unasked: 'Nobody could try to come in: its address was not found, or the attempt failed of something else.',
}

const WITNESSES: Readonly<Record<WitnessState, string>> = {
  alive: 'A connection from before lives.',
  ended: 'A connection from before was ended by the server: it shut down, or somebody ended that one alone.',
  dead: 'A connection from before is dead.',
  silent: 'A connection from before neither answers nor ends.',
  none: 'No connection from before was held, so that the cloud alone says that they are dead.',
}
