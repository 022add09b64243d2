/** How a simulated cloud is put together and emptied: the same for all of them. What is in it, and what emptying means, each says itself. */

import type { CloudGround } from './cloud'
import { Effects } from './faults/effects'
import type { Fault } from './faults/fault'
import type { Patient, PlainKind } from './faults/kinds/acting'
import { Past } from './past'
import type { Flavour } from './postgres/flavour'
import { Servers, type ServersOptions } from './postgres/servers'

export interface Plan<Cloud, State> {
  readonly name: string
  readonly ground: CloudGround & { readonly state: State }
  readonly flavour: Flavour
  readonly kinds: Readonly<Record<string, PlainKind>>
  /** Called once, and again after each reset. */
  build(parts: Parts<State>): Cloud
  /** By its key in the state; undefined when it is gone. */
  patient(cloud: Cloud, target: string): Patient | undefined
  /** The name of the instance whose server is in this folder, as faults name it. */
  instanceIn(folder: string): string | undefined
  /** A server ended that nobody had asked to. */
  ended(cloud: Cloud, folder: string): void
  /** Ends what is under way, and removes everything that was made. */
  empty(cloud: Cloud, effects: Effects): Promise<void>
}

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
  /** No call begins any more, and no fault strikes. */
  beginClosing(): Promise<void>
}

export function assemble<Cloud, State>(plan: Plan<Cloud, State>): Assembly<Cloud> {
  const { ground } = plan
  const servers = newServers(plan, {
    ended: (folder) => plan.ended(cloud, folder),
    passes: (moment, folder) => effects.passes(moment, folder),
  })
  const past = new Past<State>()
  const notePast = (): void => {
    const stale = ground.faults.list().filter(({ kind }) => kind === 'stale-reads')
    past.note(stale, ground.state)
  }
  const save = (): Promise<void> => {
    notePast()
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
    async beginClosing() {
      closing.abort(new Error('The lab is closing.'))
      await effects.close()
    },
  }
}

type Told = Pick<ServersOptions, 'ended' | 'passes'>

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
