/** What chance never draws: a disturbance at one named moment, for who takes a guard out or goes through all boundaries. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FAILOVER_STEPS } from '../../contracts/failover'
import { SWITCHOVER_STEPS } from '../../contracts/switchover'
import { controlAddress } from '../../embedded/worker-program'
import { connect, type Session } from '../../postgres/connect/session'
import { until } from '../support/eventually'
import { changing, whenFree } from '../support/other-clouds'
import { DEATHS, goesOnOnceTold, type STEPS, sourceStandsStill } from './deaths'
import { NOTHING, reaches, type Struck, signal, walsenderOf, workerOf } from './faults'
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

/** What an attempt says on the source, in a program that waits there for a while, before it opens what it has closed. */
export const OPENING = "SELECT 'it is about to open'"

/** As the master of an RDS, whoever is kept out of the bank's database. */
function insideNoDatabase({ ground: { capstan }, writer: { target } }: Struck): Promise<Session> {
  const { block, secrets } = capstan.stack
  return connect({
    ...{ host: target.host, port: target.port, database: 'postgres', user: 'stock_admin', password: secrets.shopAdmin },
    ...{ applicationName: 'bank watcher', sourceAddress: controlAddress(block) },
  })
}

/** The first attempt cannot drain, and stands still as it opens the source again; the next one crosses, and writing moves. Then the first goes on where it stood. From RDS. */
export const STANDS_STILL_AS_IT_OPENS: OwnFault = {
  name: 'an attempt stands still as it opens the source, and goes on once writing has moved',
  fault: {
    asynchronous: true,
    ends: ['succeeded'],
    words: ['--drain-within', '3s'],
    async before({ ground: { capstan } }) {
      const spare = await capstan.spareWorker()
      return () => spare.kill()
    },
    async during(struck) {
      const { writer } = struck
      if (!(await reaches(struck, SWITCHOVER_STEPS.cross.id))) return NOTHING
      // it is near by then, and nobody is shut out yet
      await sleep(1_200)
      const sender = await walsenderOf(writer)
      if (sender === undefined) throw new Error('nobody follows')
      const keyhole = await insideNoDatabase(struck)
      signal(sender, 'SIGSTOP')
      const opening = 'SELECT 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query = $1'
      await until('the first attempt to open the source', async () => (await keyhole.query(opening, [OPENING])).length > 0, 20)
        .finally(() => signal(sender, 'SIGCONT'))
        .finally(() => keyhole.close())
      const pid = await workerOf(struck)
      if (pid === null) throw new Error('nobody works at it')
      signal(pid, 'SIGSTOP')
      const goesOn = async () => signal(pid, 'SIGCONT')
      await reaches(struck, SWITCHOVER_STEPS.move.id).finally(goesOn)
      return goesOn
    },
  },
}
