/** One run: an operation is begun, the lab is killed while it is under way, or before it was answered, and comes back; then everything
 *  that was promised has to be there, and nothing else. */
import { setTimeout as sleep } from 'node:timers/promises'
import { draw } from '../../../lab/random'
import { signalIfThere } from '../../../pgserver/process-tree'
import { PATIENCE_MS } from '../../support/eventually'
import { processesNaming } from '../../support/processes'
import type { DrivenClouds } from '../driven/clouds'
import { killWhileStarting, type LabProcess, startLabProcess } from '../process'
import { disagreements, readState, underWay } from './disk'
import type { Operation, Scene } from './operations'

/** The lab as it is now, and how the next one is started. */
export interface Stage {
  lab: LabProcess
  clouds: DrivenClouds
  readonly main: string
  readonly args: readonly string[]
  readonly stateDir: string
  readonly scenes: readonly Scene[]
}

export interface Chance {
  readonly seed: number
  readonly run: number
}

/** When it struck. */
export type Struck = 'before it was answered' | 'in its work' | 'after its work'

/** Of a hundred runs, in how many the machine loses power: the servers go with the lab. */
const POWER_CUTS = 0.2
/** In how many the next lab is killed, too, while it starts. */
const KILLED_AGAIN = 0.3
/** In how many it strikes while the call itself is being answered, or before that. */
const AT_ONCE = 0.25
const CALL_LASTS_MS = 30
const STARTS_WITHIN_MS = 900

export async function strike(stage: Stage, scene: Scene, operation: Operation, { seed, run }: Chance): Promise<Struck> {
  const chance = (n: number): number => draw(seed, run * 8 + n)
  const asked = operation.begin().then(
    () => 'accepted' as const,
    (error: unknown) => error,
  )
  if (chance(4) < AT_ONCE) await sleep(chance(0) * CALL_LASTS_MS)
  else {
    await asked
    await sleep(chance(0) * operation.lastsMs)
  }
  const others = chance(1) < POWER_CUTS ? processesNaming(stage.stateDir) : []
  stage.lab.child.kill('SIGKILL')
  for (const pid of others) signalIfThere(pid, 'SIGKILL')
  await stage.lab.exited
  const pending = underWay(readState(stage.stateDir)).length > 0
  if (chance(2) < KILLED_AGAIN) await killWhileStarting(stage.main, stage.args, chance(3) * STARTS_WITHIN_MS)
  stage.lab = await startLabProcess(stage.main, stage.args)
  const said = await asked
  await rest(stage, scene, operation)
  if (said !== 'accepted') {
    if (!isBroken(said)) throw said
    // nobody knows whether it was accepted: it was wholly, or not at all
    if (!(await operation.holds().catch(() => false))) {
      await operation.begin()
      await rest(stage, scene, operation)
    }
  }
  if (!(await operation.holds())) throw new Error(`"${operation.name}" was accepted, and did not come to pass.`)
  await settle(stage)
  if (said !== 'accepted') return 'before it was answered'
  return pending ? 'in its work' : 'after its work'
}

async function rest({ scenes }: Stage, { cloud }: Scene, { of }: Operation): Promise<void> {
  for (const id of of) await within(cloud.rested(id), `${cloud.name}: ${id} does not come to rest`)
  for (const scene of scenes) await within(scene.cloud.rested('shop'), `${scene.cloud.name}: shop does not come to rest`)
}

/** Nothing is under way, state and disk agree, and every acknowledged commit is there. */
export async function settle({ stateDir, lab, scenes }: Stage): Promise<void> {
  await untilNone(() => underWay(readState(stateDir)))
  await untilNone(() => disagreements(stateDir, lab.child.pid!))
  for (const { cloud, journal } of scenes) {
    const faults = await journal.faultsOf(await cloud.login('shop'))
    if (faults.length > 0) throw new Error(`${cloud.name}: ${faults.slice(0, 5).join('; ')}`)
  }
}

/** Some of it is tidied up in the background. */
async function untilNone(look: () => string[]): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const found = look()
    if (found.length === 0) return
    if (Date.now() > deadline) throw new Error(found.join('; '))
    await sleep(50)
  }
}

async function within<Result>(work: Promise<Result>, otherwise: string): Promise<Result> {
  const giveUp = new AbortController()
  const late = sleep(PATIENCE_MS, undefined, { signal: giveUp.signal }).then(
    () => Promise.reject(new Error(otherwise)),
    () => new Promise<never>(() => {}),
  )
  return await Promise.race([work, late]).finally(() => giveUp.abort())
}

/** Whether a call ended because nobody was there to answer it. */
function isBroken(error: unknown): boolean {
  const text = [error, (error as { cause?: unknown }).cause].map((one) => `${one} ${JSON.stringify(one)}`).join(' ')
  return /ECONNREFUSED|ECONNRESET|EPIPE|socket hang up|other side closed|fetch failed|premature|UND_ERR/i.test(text)
}
