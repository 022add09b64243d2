/** What a source dies of, or seems to: what strikes a failover. In some scenarios it was cut off from its standby before, so that it has rows alone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FAILOVER_STEPS } from '../../contracts/failover'
import { FINAL_STATUSES } from '../../contracts/operation'
import { eventually, until } from '../support/eventually'
import { changing, whenFree } from '../support/other-clouds'
import { after, callsGoWrong, type Fault, type Heal, NOTHING, ordered, reaches, type Struck, standsStill } from './faults'

export const STEPS = ['probe', 'plan', 'fence', 'drain', 'open', 'move'] as const
const ACTIVITIES = [
  'probeAsMigrator',
  'planFailover',
  'startFence',
  'recordFenced',
  'awaitApplied',
  'recordOpening',
  'openAsWriter',
  'moveEndpoint',
] as const

/** The fault by which it stands still. */
const frozen = new WeakMap<Struck, string>()

async function cutOff(struck: Struck): Promise<Heal> {
  const { chance, writer, follower } = struck
  if (chance.below(2) === 0) return NOTHING
  const heal = await ordered(struck, { kind: 'cut-link', from: writer.cloud, to: follower.cloud, ways: 'both', for: '1h' })
  await sleep(chance.below(800))
  return heal
}

export async function sourceStandsStill(struck: Struck): Promise<Heal> {
  const { ground, writer } = struck
  await cutOff(struck)
  frozen.set(struck, await ground.lab.order({ kind: 'freeze-instance', cloud: writer.cloud, instance: 'stock', for: '1h' }))
  return () => ground.lab.withdrawAll()
}

/** One that stands still is not stopped: it goes on once its cloud was told, and writes until it is. */
export async function goesOnOnceTold(struck: Struck, withinMs = 600): Promise<void> {
  const { ground, operation, chance } = struck
  const waits = chance.below(withinMs)
  const { ledger } = ground.capstan
  await until(`its cloud to be told by ${operation}`, async () => {
    if (await isOver(struck)) return true
    return (await ledger.listFences()).some((one) => one.operation === operation && one.before !== null)
  })
  await sleep(waits)
  await goesOn(struck)
}

async function goesOn(struck: Struck): Promise<void> {
  await struck.ground.lab.withdraw(frozen.get(struck) ?? '').catch(() => undefined)
}

/** Whether somebody is, before it is over. */
async function isAsked(struck: Struck): Promise<boolean> {
  const { ledger } = struck.ground.capstan
  return eventually(`${struck.operation} to ask or to end`, async () => {
    if ((await ledger.getOperation(struck.operation))?.status === 'awaiting-approval') return true
    return (await isOver(struck)) ? false : undefined
  })
}

async function isOver({ ground, operation }: Struck): Promise<boolean> {
  const record = await ground.capstan.ledger.getOperation(operation)
  return record !== null && FINAL_STATUSES.includes(record.status)
}

const at = (struck: Struck, step: (typeof STEPS)[number]): Promise<boolean> => reaches(struck, FAILOVER_STEPS[step].id)

export const DEATHS = {
  'source goes on amid the fence': {
    asynchronous: false,
    ends: ['succeeded'],
    before: sourceStandsStill,
    async during(struck) {
      await goesOnOnceTold(struck)
      return NOTHING
    },
  },

  /** Where it is seen to answer before the fence has begun, somebody is asked, and says no. */
  'source goes on once it is given up': {
    asynchronous: false,
    ends: ['succeeded', 'aborted'],
    before: sourceStandsStill,
    async during(struck) {
      const waits = struck.chance.below(200)
      if (!(await at(struck, 'plan'))) return NOTHING
      await sleep(waits)
      await goesOn(struck)
      if (await isAsked(struck)) await struck.ground.cli('ops', 'abort', struck.operation, '--reason', 'it answers')
      return NOTHING
    },
  },

  /** Nobody can prove that it takes no writes: the standby stays closed, and it is the writer again. */
  'source stands still, whatever its cloud does': {
    asynchronous: false,
    ends: ['failed'],
    words: ['--fence-within', '1s'],
    before: sourceStandsStill,
    async during(struck) {
      const { ground, operation } = struck
      await until(`the fence of ${operation} to be given up`, async () => {
        const record = await ground.capstan.ledger.getOperation(operation)
        const fence = record?.steps.find(({ id }) => id === FAILOVER_STEPS.fence.id)
        return (fence !== undefined && fence.state !== 'running') || (await isOver(struck))
      })
      await ground.lab.withdrawAll()
      return NOTHING
    },
  },

  /** Its cloud says that it is stopped, and whoever is inside writes on: the fence is not proven until they are gone. */
  'source outlives its stop': {
    asynchronous: false,
    ends: ['succeeded'],
    // whoever is inside stays there, and goes on with it
    patienceMs: 120_000,
    async before(struck) {
      await struck.ground.lab.order({ kind: 'linger', cloud: struck.writer.cloud, instance: 'stock', for: '1h' })
      return sourceStandsStill(struck)
    },
    async during(struck) {
      const lasts = 2_000 + struck.chance.below(2_000)
      await goesOnOnceTold(struck, 100)
      return after(lasts, () => struck.ground.lab.withdrawAll())
    },
  },

  'source is stopped': {
    asynchronous: false,
    ends: ['succeeded'],
    async before(struck) {
      const heal = await cutOff(struck)
      const { adapter, instance } = struck.writer
      await whenFree(() => adapter.startStop({ instance }, changing))
      await until('it to be stopped', async () => (await adapter.describeInstance(instance, changing))?.state === 'stopped')
      return heal
    },
  },

  /** To the lab it is one that says so: what answers is not proven dead, and goes on. */
  'source turns everybody away': {
    asynchronous: false,
    ends: ['failed'],
    async before(struck) {
      await cutOff(struck)
      return ordered(struck, { kind: 'cut-network', cloud: struck.writer.cloud, instance: 'stock', for: '1h' })
    },
  },

  'its cloud starts the source again': {
    asynchronous: false,
    ends: ['succeeded'],
    before: sourceStandsStill,
    async during(struck) {
      await goesOnOnceTold(struck)
      if (!(await at(struck, 'move'))) return NOTHING
      return ordered(struck, { kind: 'maintenance-start', cloud: struck.writer.cloud, instance: 'stock' })
    },
  },

  'source dies, and a worker': {
    asynchronous: false,
    ends: ['succeeded'],
    async before(struck) {
      const { ground, chance } = struck
      const failpoint = `${chance.of(ACTIVITIES)}#1:${chance.of(['before', 'after'])}`
      const heal = await sourceStandsStill(struck)
      ground.capstan.arm(failpoint)
      return async () => {
        ground.capstan.disarm(failpoint)
        await heal()
      }
    },
    async during(struck) {
      await goesOnOnceTold(struck)
      return NOTHING
    },
  },

  /** Another takes over, and the one that stood still wakes up in the midst of what it did. */
  'source dies, and a worker stands still': {
    asynchronous: false,
    ends: ['succeeded', 'failed'],
    async before(struck) {
      const spare = await struck.ground.capstan.spareWorker()
      const heal = await sourceStandsStill(struck)
      return async () => {
        await spare.kill()
        await heal()
      }
    },
    async during(struck) {
      const { chance } = struck
      const [step, waits] = [chance.of(STEPS), chance.below(300)]
      const wakes = async (): Promise<Heal> => {
        if (!(await at(struck, step))) return NOTHING
        await sleep(waits)
        return standsStill(struck)
      }
      const [heal] = await Promise.all([wakes(), goesOnOnceTold(struck)])
      return heal
    },
  },

  'source dies, and the disk of its standby is full': {
    asynchronous: false,
    ends: ['succeeded', 'failed'],
    parks: true,
    before: sourceStandsStill,
    async during(struck) {
      const { chance, ground, follower } = struck
      const [step, lasts] = [chance.of(['fence', 'drain', 'open'] as const), 1_000 + chance.below(2_000)]
      const fills = async (): Promise<Heal> => {
        if (!(await at(struck, step))) return NOTHING
        const full = await ground.lab.order({ kind: 'fill-disk', cloud: follower.cloud, instance: 'stock', for: '1h' })
        return after(lasts, () => ground.lab.withdraw(full).catch(() => undefined))
      }
      const [heal] = await Promise.all([fills(), goesOnOnceTold(struck)])
      return heal
    },
  },

  /** As by a network that repeats requests: each is carried out twice, and either answer may be heard. */
  'source dies, and its cloud hears all twice': {
    asynchronous: false,
    ends: ['succeeded'],
    async before(struck) {
      const heal = await sourceStandsStill(struck)
      const heard = struck.chance.of(['first', 'second'])
      await ordered(struck, { kind: 'deliver-twice', cloud: struck.writer.cloud, heard, times: 1_000 })
      return heal
    },
    async during(struck) {
      await goesOnOnceTold(struck)
      return NOTHING
    },
  },

  'source dies, and calls go wrong': {
    asynchronous: false,
    ends: ['succeeded'],
    async before(struck) {
      const heal = await sourceStandsStill(struck)
      await callsGoWrong(struck, [struck.writer])
      return heal
    },
    async during(struck) {
      await goesOnOnceTold(struck)
      return NOTHING
    },
  },
} as const satisfies Readonly<Record<string, Fault>>
