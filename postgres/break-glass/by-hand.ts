/** One run of `capstan break-glass finish` or `revert`: the sessions that it holds, and each step told before and after. What is done is what the switchover's own
 *  activities do, by the same functions; only whoever is told of it is another. */
import { type BreakGlassPapers, type BreakGlassStage, FINISH_STEPS, type LedByHand } from '../../contracts/break-glass'
import { failure } from '../../contracts/failures'
import type { StepName } from '../../contracts/operation'
import type { Session } from '../connect/session'
import { type FenceToken, inFencedTransaction } from '../migrate/fence'
import { newestPapers } from './keep'
import { lookAtSource, lookAtStandby, type SourceStanding, type StandbyStanding, stageOf } from './look'
import {
  actorOf,
  inside,
  type Keyhole,
  type Raising,
  type Reach,
  type Role,
  raisedInside,
  raisedKeyhole,
  type SideName,
  unreached,
} from './sides'

export interface ByHandInput {
  readonly papers: BreakGlassPapers
  readonly reach: Reach
  /** Of this run of the command: no two are alike. */
  readonly run: string
  /** Told before a step begins; what it throws stops everything. */
  readonly before: (step: StepName) => Promise<void>
  readonly after: (step: StepName, said: string) => Promise<void>
  readonly failed: (step: StepName, said: string) => Promise<void>
  /** Leads applications to whoever writes by then, and has those go on that were kept waiting. It asks right before each change whether nobody has begun since, and
   *  does not throw. */
  readonly lead: (isCurrent: () => Promise<boolean>) => Promise<LedByHand>
}

/** A statement that waits for others without end would leave nobody served. */
const STATEMENT_TIMEOUT = '60s'

export class ByHand {
  readonly papers: BreakGlassPapers
  readonly #input: ByHandInput
  readonly #opened: Session[] = []
  readonly #tokens: Partial<Record<SideName, FenceToken>> = {}
  readonly #keyholes: Partial<Record<SideName, Keyhole>> = {}
  readonly #inside: Record<SideName, Partial<Record<Role, Session>>> = { source: {}, standby: {} }

  constructor(input: ByHandInput) {
    this.papers = input.papers
    this.#input = input
  }

  /** Papers are of a moment: whoever went on by those of an operation that is long over would take a later one apart. Throws RESOURCE_NOT_OURS. */
  async assertNewest(side: SideName): Promise<void> {
    const { operation } = this.papers
    const newest = await newestPapers(this.keyhole(side).session)
    if (newest === null || newest === operation) return
    const message = `${newest} has written papers of its own since: those of ${operation} are of the past. Go on by the newer ones, or not at all.`
    throw failure('RESOURCE_NOT_OURS', message, { operation, newest })
  }

  async step(step: StepName, work: () => Promise<string>): Promise<void> {
    const { before, after, failed } = this.#input
    await before(step)
    let said: string
    try {
      said = await work()
    } catch (error) {
      await failed(step, error instanceof Error ? error.message : String(error))
      throw error
    }
    await after(step, said)
  }

  /** To that side, which writes by then: its own row says whether anybody has begun since, and the other one may be away. What a person can do as well keeps nothing
   *  else waiting: it is told, and left to him. */
  async leadApplications(to: SideName): Promise<void> {
    const { before, after, failed, lead } = this.#input
    await before(FINISH_STEPS.endpoint)
    const { session, token } = this.keyhole(to)
    const isCurrent = () => inFencedTransaction(session, token, async () => true)
    const { moved, said } = await lead(isCurrent)
    await (moved ? after : failed)(FINISH_STEPS.endpoint, said)
  }

  /** Nobody who acted before may act in it any more. Throws a Failure that says whose matter a side is that does not answer. */
  async takeKeyhole(side: SideName): Promise<void> {
    const keyhole = await raisedKeyhole(this.#input.reach, side, this.#raising(side)).catch((error: unknown) => {
      throw unreached(side, this.papers.sides[side], error)
    })
    this.#keyholes[side] = keyhole
    this.#opened.push(keyhole.session)
  }

  /** The row inside its database, and the sessions of whoever acted under an older one. It has to let us in. */
  async takeInside(side: SideName): Promise<void> {
    // what was opened under the row of before is ended with it
    this.#inside[side] = {}
    this.#tokens[side] = await raisedInside(this.#input.reach, side, this.#raising(side))
  }

  keyhole(side: SideName): Keyhole {
    const keyhole = this.#keyholes[side]
    if (keyhole === undefined) throw new Error(`the keyhole of the ${side} was not taken`)
    return keyhole
  }

  token(side: SideName): FenceToken {
    const token = this.#tokens[side]
    if (token === undefined) throw new Error(`the ${side}'s database was not taken`)
    return token
  }

  /** In its database, until the row is raised again, the database is closed, or `close`. */
  async open(side: SideName, role: Role): Promise<Session> {
    const before = this.#inside[side][role]
    if (before?.open === true) return before
    const session = await inside(this.#input.reach, side, { at: this.papers.sides[side], role, token: this.token(side) })
    this.#opened.push(session)
    this.#inside[side][role] = session
    await session.set('statement_timeout', STATEMENT_TIMEOUT)
    return session
  }

  /** Its own sessions in that database end. */
  async leave(side: SideName): Promise<void> {
    const sessions = Object.values(this.#inside[side])
    this.#inside[side] = {}
    await Promise.all(sessions.map((session) => session.close()))
  }

  connectTo(side: SideName): (database: string) => Promise<Session> {
    return (database) => this.#input.reach({ side, role: 'admin', database, applicationName: 'capstan break-glass' })
  }

  asWriter(side: SideName): () => Promise<Session> {
    const { database } = this.papers.sides[side]
    return () => this.#input.reach({ side, role: 'migrator', database, applicationName: 'capstan break-glass probe' })
  }

  async source(): Promise<SourceStanding> {
    const found = await lookAtSource(this.keyhole('source').session, this.papers)
    if (found !== null) return found
    const { database, instance } = this.papers.sides.source
    throw failure('TARGET_MISMATCH', `There is no database ${database} on ${instance}: these papers are of another instance.`, {
      database,
      instance,
    })
  }

  async standby(): Promise<StandbyStanding> {
    const database = await this.#input.reach({
      ...{ side: 'standby', role: 'admin', database: this.papers.sides.standby.database },
      applicationName: 'capstan break-glass look',
    })
    return lookAtStandby(this.keyhole('standby').session, database, this.papers).finally(() => database.close())
  }

  async stage(): Promise<BreakGlassStage> {
    return stageOf(await this.source(), await this.standby())
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((session) => session.close()))
  }

  #raising(side: SideName): Raising {
    return { at: this.papers.sides[side], actor: actorOf(this.papers.operation, this.#input.run) }
  }
}
