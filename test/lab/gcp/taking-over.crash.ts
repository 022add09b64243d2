/** Promotions that go wrong at the worst moment, with servers that do so when they are told to: what real ones cannot be timed to do. */
import type { GcpCloud } from '../../../lab/gcp/cloud'
import { isHandingOver } from '../../../lab/gcp/keeping'
import { performPromote, performSwitchOver } from '../../../lab/gcp/replicating'
import { withDefaults } from '../../../lab/gcp/settings'
import { emptyGcpState, type SqlInstance, type Task } from '../../../lab/gcp/state'
import type { Work } from '../../../lab/gcp/work'

interface Scene {
  cloud: GcpCloud
  main: SqlInstance
  spare: SqlInstance
  work: Work
  /** What was asked of the servers, in order. */
  asked: string[]
}

function instanceOf(name: string, master: string | null): SqlInstance {
  const settings = withDefaults({ tier: 'db-perf-optimized-N-2', edition: 'ENTERPRISE_PLUS' }, 17)
  const madeAt = '2026-01-01T00:00:00.000Z'
  const place = { region: 'us-central1', zone: 'us-central1-a', secondaryZone: 'us-central1-b', folder: name, host: 10 }
  const drReplica = master === null ? 'spare' : null
  const versions = { major: 17, engineVersion: '17.1', settingsVersion: 1 } as const
  return { name, state: 'RUNNABLE', ...versions, ...place, createdAt: madeAt, madeAt, settings, master, drReplica, tasks: [] }
}

/** Servers that do what is asked, but for what is given here. */
function sceneOf(given: Record<string, (folder: string) => unknown>): Scene {
  const [main, spare] = [instanceOf('main', null), instanceOf('spare', 'main')]
  const asked: string[] = []
  const servers = new Proxy(
    {},
    {
      get: (_, name: string) => (spec: string | { folder: string }) => {
        const folder = typeof spec === 'string' ? spec : spec.folder
        if (name === 'isDown') return given.isDown?.(folder) ?? false
        asked.push(`${name} ${folder}`)
        return Promise.resolve().then(() => given[name]?.(folder))
      },
    },
  )
  const cloud = {
    state: { ...emptyGcpState(), instances: { main, spare } },
    servers,
    addresses: { textOf: (host: number) => `127.0.0.${host}` },
    afflictions: { isFrozen: () => false, isCut: () => false, isFull: () => false, thawed: async () => {} },
    pace: { lasts: async () => {} },
    tasks: { wake: () => {}, close: async () => {} },
    save: async () => {
      asked.push(`saved ${main.replaced === true ? 'replaced' : ''}`.trim())
    },
    log: () => {},
  } as unknown as GcpCloud
  return { cloud, main, spare, asked, work: { cloud, instance: spare, signal: new AbortController().signal } }
}

const failover = { kind: 'promote', failover: true, operation: null } as const
const switchOver = (): Extract<Task, { kind: 'switch-over' }> => ({
  kind: 'switch-over',
  from: 'main',
  timeoutMs: 60_000,
  operation: null,
})
const breaks = () => {
  throw new Error('the connection broke')
}

test('a failover writes down that its primary is replaced, waits for its recovery to end, stops it wherever it is, and only then promotes', async () => {
  const { main, work, asked } = sceneOf({})
  main.tasks.push({ kind: 'recover', operation: null })
  const promoted = performPromote(work, failover)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(asked).toEqual(['saved replaced'])
  main.tasks.pop()
  ;(await promoted)()
  expect(asked).toEqual(['saved replaced', 'crash main', 'halt main', 'promote spare'])
  expect(main).toMatchObject({ master: 'spare', replaced: true })
})

test('a failover whose promotion fails after the replica began to write goes on; the primary does not come back', async () => {
  let promotions = 0
  const { main, spare, work } = sceneOf({
    promote: () => (promotions++ === 0 ? breaks() : undefined),
    isInRecovery: () => false,
  })
  ;(await performPromote(work, failover))()
  expect(main).toMatchObject({ master: 'spare', replaced: true, tasks: [{ kind: 'rejoin' }] })
  expect(spare.master).toBeNull()
})

test('a promotion that was on its way when it failed counts as one', async () => {
  let restarted = false
  const { main, work, asked } = sceneOf({
    promote: () => (restarted ? undefined : breaks()),
    restart: () => {
      restarted = true
    },
    isInRecovery: () => !restarted,
  })
  ;(await performPromote(work, failover))()
  expect(asked).toContain('restart spare')
  expect(main).toMatchObject({ master: 'spare', replaced: true })
})

test('a failover whose replica follows still, for sure, brings the primary back', async () => {
  const { main, spare, work } = sceneOf({ promote: breaks, isInRecovery: () => true })
  await expect(performPromote(work, failover)).rejects.toThrow('broke')
  expect(main).toMatchObject({ master: null, replaced: false, state: 'RUNNABLE', tasks: [{ kind: 'recover' }] })
  expect(spare.master).toBe('main')
})

test('a failover of whose replica nobody knows whether it writes leaves the primary away', async () => {
  jest.useFakeTimers()
  try {
    const { main, work } = sceneOf({ promote: breaks, isInRecovery: breaks })
    const failed = expect(performPromote(work, failover)).rejects.toThrow('broke')
    await jest.advanceTimersByTimeAsync(70_000)
    await failed
    expect(main).toMatchObject({ replaced: true, state: 'FAILED', tasks: [] })
  } finally {
    jest.useRealTimers()
  }
})

test('a switchover that fails after its replica began to write is one; the old writer is brought back as its replica', async () => {
  let answers = 0
  const { main, spare, work } = sceneOf({
    switchOver: breaks,
    isInRecovery: () => (answers++ === 0 ? breaks() : false),
    isDown: (folder) => folder === 'main',
  })
  ;(await performSwitchOver(work, switchOver()))()
  expect(main).toMatchObject({ master: 'spare', tasks: [{ kind: 'recover' }] })
  expect(spare).toMatchObject({ master: null, tasks: [{ kind: 'take-over' }] })
})

test('a switchover that fails before that leaves its writer running and writing, whether it was made a follower already or not', async () => {
  const { main, work, asked } = sceneOf({ switchOver: breaks, isInRecovery: () => true })
  await expect(performSwitchOver(work, switchOver())).rejects.toThrow('broke')
  expect(asked.slice(-2)).toEqual(['ensureRunning main', 'promote main'])
  expect(main.master).toBeNull()
})

test('a switchover waits for what the primary does by itself; from then on nobody else starts it', async () => {
  const { cloud, main, spare, work, asked } = sceneOf({})
  const task = switchOver()
  spare.tasks.push(task)
  main.tasks.push({ kind: 'recover', operation: null })
  const exchanged = performSwitchOver(work, task)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect([asked, isHandingOver(cloud.state, main)]).toEqual([[], false])
  main.tasks.pop()
  const outcome = await exchanged
  expect(asked).toEqual(['saved', 'switchOver main'])
  expect(isHandingOver(cloud.state, main)).toBe(true)
  spare.tasks.shift()
  outcome()
  expect(isHandingOver(cloud.state, main)).toBe(false)
})
