/** How a simulated cloud is put together and emptied: the same for all of them. What is in it, and what emptying means, each says itself. */

import type { CloudGround } from './cloud'
import { Effects } from './faults/effects'
import type { Fault } from './faults/fault'
import type { Patient, PlainKind } from './faults/kinds/acting'
import { Past } from './past'
import type { Flavour } from './postgres/flavour'
import { Servers, type ServersOptions } from './postgres/servers'
import type { Login } from './postgres/spec'
import type { Schedule } from './schedule'

export interface Plan<Cloud, State> {
  readonly name: string
  readonly ground: CloudGround & { readonly state: State }
  readonly flavour: Flavour
  readonly kinds: Readonly<Record<string, PlainKind>>
  /** What it does without being asked; of the state, so that it survives a reset. */
  readonly clock: readonly Clock[]
  /** Called once, and again after each reset. */
  build(parts: Parts<State>): Cloud
  /** By its key in the state; undefined when it is gone. */
  patient(cloud: Cloud, target: string): Patient | undefined
  /** The name of the instance whose server is in this folder, as faults name it. */
  instanceIn(folder: string): string | undefined
  /** A server ended that nobody had asked to. */
  ended(cloud: Cloud, folder: string): void
  /** Whether somebody is let in whom PostgreSQL itself does not judge. Nobody when left out. */
  admits?(cloud: Cloud, folder: string, login: Login): boolean
  /** Ends what is under way, and removes everything that was made. */
  empty(cloud: Cloud, effects: Effects): Promise<void>
}

export type Clock = Pick<Schedule<object>, 'begin' | 'look' | 'close'>

export interface Parts<State> {
  readonly servers: Servers
  readonly past: Past<State>
  readonly afflictions: Effects
  /** Remembers the past for those who are told nothing newer, then saves. */
  save(): Promise<void>
}

export interface Assembly<Cloud> {
  readonly servers: Servers
  readonly effects: Effects
  /** Aborted when the lab closes. */
  readonly closing: AbortSignal
  /** The one of now: a reset makes another. */
  cloud(): Cloud
  /** The same for calls, which wait for a reset: what they would make now would be swept away, or never be begun. */
  ready(): Promise<Cloud>
  faultsChanged(ordered?: Fault): Promise<void>
  reset(): Promise<void>
  /** From here on things are done by the clock: everything is back. */
  beginClock(): void
  /** No call begins any more, no fault strikes, and nothing is done by the clock. */
  beginClosing(): Promise<void>
}

export function assemble<Cloud, State>(plan: Plan<Cloud, State>): Assembly<Cloud> {
  const { ground } = plan
  const servers = newServers(plan, {
    ended: (folder) => plan.ended(cloud, folder),
    passes: (moment, folder) => effects.passes(moment, folder),
    stopsShortMs: (archive) => effects.stopsShortMs(archive),
    admits: (folder, login) => plan.admits?.(cloud, folder, login) ?? false,
  })
  const past = new Past<State>()
  const notePast = (): void => {
    const stale = ground.faults.list().filter(({ kind }) => kind === 'stale-reads')
    past.note(stale, ground.state)
  }
  const save = (): Promise<void> => {
    notePast()
    for (const one of plan.clock) one.look()
    return ground.save()
  }
  const effects = new Effects(ground.faults, {
    cloud: plan.name,
    kinds: plan.kinds,
    patient: (target) => plan.patient(cloud, target),
    instanceIn: plan.instanceIn,
    save,
    log: ground.log,
  })
  const closing = new AbortController()
  const build = (): Cloud => plan.build({ servers, past, afflictions: effects, save })
  let cloud = build()
  let ready: Promise<void> = Promise.resolve()
  return {
    servers,
    effects,
    closing: closing.signal,
    cloud: () => cloud,
    ready: () => ready.then(() => cloud),
    async faultsChanged(ordered) {
      notePast()
      if (ordered) effects.strikeNow(ordered)
      await ground.save()
      await effects.settle()
    },
    reset() {
      const emptied = plan.empty(cloud, effects).finally(() => {
        cloud = build()
      })
      effects.letGo()
      ready = emptied.catch(() => {})
      return emptied
    },
    beginClock() {
      for (const one of plan.clock) one.begin()
    },
    async beginClosing() {
      for (const one of plan.clock) one.close()
      closing.abort(new Error('The lab is closing.'))
      await effects.close()
    },
  }
}

type Told = Pick<ServersOptions, 'ended' | 'passes' | 'stopsShortMs' | 'admits'>

function newServers<Cloud, State>({ ground, flavour }: Plan<Cloud, State>, told: Told): Servers {
  return new Servers({
    stateDir: ground.stateDir,
    cacheDir: ground.cacheDir,
    port: ground.dataPort,
    administratorAddress: ground.apiAddress,
    administratorPassword: ground.administratorPassword,
    flavour,
    get authority() {
      return ground.authority()
    },
    ...told,
    log: ground.log,
  })
}
