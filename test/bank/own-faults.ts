/** What chance never draws: a disturbance at one named moment, for who takes a guard out or goes through all boundaries. */
import { FAILOVER_STEPS } from '../../contracts/failover'
import { until } from '../support/eventually'
import { changing, whenFree } from '../support/other-clouds'
import { DEATHS, goesOnOnceTold, type STEPS, sourceStandsStill } from './deaths'
import { NOTHING, reaches, type Struck } from './faults'
import type { Place } from './ground'
import type { OwnFault } from './scenarios'

/** Of a failover of a source that stands still, and goes on once its cloud is told. `reached`: is told whether anything died there. */
export const diesAt = (boundary: string, reached: (died: boolean) => void): OwnFault => ({
  name: `its worker dies at ${boundary}`,
  fault: {
    asynchronous: false,
    // a place whose worker died says nothing, and one of two is too few
    ends: boundary.startsWith('probe') ? ['succeeded', 'failed'] : ['succeeded'],
    async before(struck) {
      const { capstan } = struck.ground
      const heal = await sourceStandsStill(struck)
      const deaths = capstan.deaths()
      capstan.arm(boundary)
      return async () => {
        reached(!capstan.disarm(boundary) && capstan.deaths() === deaths + 1)
        await heal()
      }
    },
    async during(struck) {
      await goesOnOnceTold(struck)
      return NOTHING
    },
  },
})

/** The same, aborted there by a person, as far as that goes still. */
export const abortedAt = (step: (typeof STEPS)[number]): OwnFault => ({
  name: `aborted at ${step}`,
  fault: {
    asynchronous: false,
    ends: step === 'open' || step === 'move' ? ['succeeded'] : ['aborted', 'succeeded'],
    before: sourceStandsStill,
    async during(struck) {
      const { ground, operation } = struck
      const aborting = async () => {
        if (await reaches(struck, FAILOVER_STEPS[step].id)) await ground.cli('ops', 'abort', operation, '--reason', 'not now')
      }
      await Promise.all([aborting(), goesOnOnceTold(struck)])
      return NOTHING
    },
  },
})

/** It was stopped before, so that its networks stay as they are, and whoever starts it lets everybody in. */
export const STARTED_BEHIND_ITS_FENCE: OwnFault = {
  name: 'its cloud starts the source behind the fence',
  fault: {
    asynchronous: false,
    ends: ['failed'],
    async before({ writer, ground: { capstan } }) {
      await isMade(writer, 'stopped')
      // time for its cloud to start it in
      capstan.arm(APPLIED)
      return async () => {
        capstan.disarm(APPLIED)
        await isMade(writer, 'ready')
      }
    },
    async during(struck) {
      const { ground, writer } = struck
      const deaths = ground.capstan.deaths()
      if (!(await reaches(struck, FAILOVER_STEPS.drain.id))) return NOTHING
      await until('the worker to die', async () => ground.capstan.deaths() > deaths, 5)
      await ground.lab.order({ kind: 'maintenance-start', cloud: writer.cloud, instance: 'stock' })
      return NOTHING
    },
  },
}
const APPLIED = 'awaitApplied#1:before'

async function isMade({ adapter, instance }: Place, state: 'stopped' | 'ready'): Promise<void> {
  const now = async () => (await adapter.describeInstance(instance, changing))?.state
  if ((await now()) === state) return
  await whenFree(() =>
    state === 'stopped' ? adapter.startStop({ instance }, changing) : adapter.startStart({ instance }, changing),
  )
  await until(`it to be ${state}`, async () => (await now()) === state)
}

/** Nobody looks for longer. */
export const GOES_ON_AMID_THE_FENCE: OwnFault = {
  name: 'source goes on amid a short fence',
  fault: { ...DEATHS['source goes on amid the fence'], words: ['--fence-within', '3s'] },
}

/** It writes on until its cloud is told, and none of that comes over. */
export const CUT_OFF_AND_WRITES: OwnFault = {
  name: 'the source is cut off, and writes until it is fenced',
  fault: {
    asynchronous: false,
    ends: ['succeeded'],
    async before(struck: Struck) {
      const { ground, writer, follower } = struck
      await ground.lab.order({ kind: 'cut-link', from: writer.cloud, to: follower.cloud, ways: 'both', for: '1h' })
      await new Promise((written) => setTimeout(written, 1_500))
      return sourceStandsStill(struck)
    },
    async during(struck) {
      await goesOnOnceTold(struck)
      return NOTHING
    },
  },
}
