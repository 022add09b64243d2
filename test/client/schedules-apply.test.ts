/** Schedules that the fleet file asks for, and what becomes of a change that meets another. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseFleet } from '../../client/fleet/parse-fleet'
import { putSchedule } from '../../client/schedules/put-schedule'
import type { TemporalDoor } from '../../client/temporal'
import { fleetOf, scheduling } from './scheduling'

const it = scheduling()
const handleOf = (id: string) => it.temporal.client.schedule.getHandle(id)

/** A fleet file with these schedules, by the database's name. */
function fleetWith(schedules: Readonly<Record<string, string>>, edit = (text: string) => text): string {
  const databases = Object.entries(schedules).map(([name, declared]) => {
    const [, entry = ''] = fleetOf([name]).split(/(?<=databases:\n)/)
    return declared === '' ? entry : `${entry.trimEnd()}\n    schedules: ${declared}\n`
  })
  const file = join(it.fleetFile, '..', 'declared.yaml')
  writeFileSync(file, edit(`version: 1\ndatabases:\n${databases.join('')}`))
  return file
}

const apply = async (file: string, ...args: string[]) => it.cli(['schedule', 'apply', '--fleet', file, ...args])

async function counts(file: string, ...args: string[]): Promise<unknown> {
  const { exit, json } = await apply(file, '--json', ...args)
  expect(exit).toBe(0)
  return (json as { counts: unknown }).counts
}

const BOTH =
  '{ snapshot: { at: "21:30", every: 6h, timeZone: Europe/Berlin }, verify-backup: { cron: "5/20 */6 * jan-mar mon-fri" } }'

test('what the fleet file asks for is planned, added, found as it is, changed and removed; a pause outlasts it all', async () => {
  const file = fleetWith({ quick: BOTH, other: '{ snapshot: { every: 6h, waitForLock: 0s, catchUp: 2h } }', waits: '' })
  expect(await counts(file, '--plan')).toEqual({ added: 3 })
  expect(await counts(file)).toEqual({ added: 3 })
  for (const more of [['--plan'], []]) expect(await counts(file, ...more)).toEqual({ unchanged: 3 })
  await it.cli(['schedule', 'pause', 'snapshot', 'other', '--note', 'until Friday'])
  await it.cli(['schedule', 'add', 'snapshot', 'waits', '--every', '6h'])
  await it.until('that it is listed', async () => (await apply(file, '--plan')).out.includes('schedule/snapshot/waits'))

  fleetWith({ quick: BOTH, other: '{ snapshot: { every: 12h, waitForLock: 1h } }', waits: '' })
  const plan = await apply(file, '--plan', '--prune')
  expect(plan.exit).toBe(0)
  expect(plan.out).toContain('schedule/snapshot/other: would be changed: times, catch-up, wait for the lock\n')
  expect(plan.out).toContain('schedule/snapshot/waits: would be removed\n')
  expect(await counts(file)).toEqual({ changed: 1, unchanged: 2, undeclared: 1 })
  expect((await handleOf('schedule/snapshot/other').describe()).state).toMatchObject({ paused: true, note: 'ada: until Friday' })
  expect(await counts(file, '--prune')).toEqual({ unchanged: 3, removed: 1 })

  // nothing of a database that the file does not have
  const without = fleetWith({ quick: BOTH })
  expect(await counts(without, '--prune')).toMatchObject({ unchanged: 2, foreign: 1 })
  const moved = fleetWith({ quick: BOTH }, (text) => text.replace('instance: shop-db', 'instance: shop-db-2'))
  const changed = await apply(moved)
  expect(changed.out).toContain('schedule/snapshot/quick: changed: fleet entry\n')
  expect(changed.out).toContain('2 changed, 1 foreign.\n')
})

test('times that somebody changed in Temporal are put right; what cannot be is told, and the others are', async () => {
  const file = fleetWith({ fails: '{ snapshot: { at: "03:00" } }', waits: '{ snapshot: { at: "03:00" } }' })
  const theirs = { type: 'startWorkflow', workflowType: 'theirs', taskQueue: 'theirs' } as const
  const spec = { intervals: [{ every: '24h' }] }
  await it.temporal.client.schedule.create({ scheduleId: 'schedule/snapshot/waits', spec, action: theirs })
  await apply(file)
  await handleOf('schedule/snapshot/fails').update((before) => ({ ...before, spec }))
  const { exit, out } = await apply(file)
  expect(out).toContain('schedule/snapshot/fails: changed: times, jitter\n')
  expect(out).toContain('schedule/snapshot/waits: failed: [RESOURCE_NOT_OURS]')
  expect(exit).toBe(3)
  await handleOf('schedule/snapshot/waits').delete()
})

test('a pause in the moment in which a schedule is changed is not undone', async () => {
  const [entry] = parseFleet(fleetOf(['other']), 'fleet').databases
  const terms = { jitterMs: 0, catchUpMs: 3_600_000, waitForLockMs: 0 }
  const name = { kind: 'verify-backup', database: 'other' } as const
  const from = { name, addedBy: 'ada', heartbeatTimeoutMs: 5_000, workflowTaskTimeoutMs: 10_000 } as const
  const wanted = (everyMs: number) => ({ ...from, ...terms, entry: entry!, timing: { by: 'interval', everyMs } as const })
  await putSchedule(it, wanted(3_600_000))
  const handle = handleOf('schedule/verify-backup/other')
  let calls = 0
  /** Looked at twice, and right before it is written somebody pauses it. */
  const within: TemporalDoor['within'] = async (timeoutMs, call) => {
    calls += 1
    if (calls === 3) await handle.pause('bob: now')
    return it.temporal.within(timeoutMs, call)
  }
  expect(await putSchedule({ ledger: it.ledger, temporal: { ...it.temporal, within } }, wanted(7_200_000))).toMatchObject({
    state: 'changed',
  })
  const { spec, state } = await handle.describe()
  expect(spec.intervals).toMatchObject([{ every: 7_200_000 }])
  expect(state).toMatchObject({ paused: true, note: 'bob: now' })
  expect(calls).toBeGreaterThan(4)
})

const PLACE = 'aws/123456789012/eu-central-1'
const searched =
  (orphans: string, more = (text: string) => text) =>
  (text: string) =>
    more(text.replace('version: 1\n', `version: 1\norphans: ${orphans}\n`))

test('a search for orphans is planned, added, changed and removed for each place, and stands in the list', async () => {
  const moved = (text: string) => text.replace(/(name: other [\s\S]*?)region: eu-central-1/, '$1region: eu-west-1')
  const declared = { quick: '', waits: '', other: '' }
  const file = fleetWith(declared, searched('{ every: 6h }', moved))
  const [here, there] = [`schedule/orphans/${PLACE}`, 'schedule/orphans/aws/123456789012/eu-west-1']
  const plan = await apply(file, '--plan')
  // several at a time: in the order in which they are done
  for (const id of [here, there]) expect(plan.out).toContain(`${id}: would be added\n`)
  await apply(file)
  for (const id of [here, there]) {
    const { action, policies, spec } = await handleOf(id).describe()
    expect(action).toMatchObject({ workflowType: 'sweepOrphans', args: [{ kind: 'orphans', cloud: 'aws', named: [] }] })
    expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 60_000 })
    expect(spec.intervals).toMatchObject([{ every: 21_600_000 }])
  }
  const listed = await it.cli(['schedule', 'list', '--place', PLACE, '--fleet', file])
  expect(listed.out).toMatch(new RegExp(`${PLACE} +orphans +every 6 h +in .* +none yet`))
  const json = (await it.cli(['schedule', 'list', '--place', PLACE, '--fleet', file, '--json'])).json
  expect(json).toMatchObject({ schedules: [{ kind: 'orphans', place: PLACE, sweep: null, runs: [], entry: 'same' }] })

  expect(await it.cli(['schedule', 'pause', 'orphans', PLACE, '--note', 'an audit'])).toMatchObject({ exit: 0 })
  // what took over keeps its name: a run that has not heard so must be told
  const took = (text: string) => text.replace('instance: shop-db', 'instance: CAP-replace-shop-copy')
  fleetWith(
    declared,
    searched('{ at: "04:00", jitter: 5m }', (text) => took(moved(text))),
  )
  const changed = await apply(file)
  expect(changed.out).toContain(`${here}: changed: times, jitter, fleet entry\n`)
  const { action, state } = await handleOf(here).describe()
  expect(action).toMatchObject({ args: [{ named: ['cap-replace-shop-copy'] }] })
  expect(state).toMatchObject({ paused: true, note: 'ada: an audit' })

  await it.until('that both are listed', async () => (await apply(file, '--plan', '--prune', '--json')).exit === 0)
  fleetWith({ quick: '', waits: '' })
  await it.until('that they are listed', async () => {
    const { out } = await apply(file, '--plan', '--prune')
    return (
      out.includes(`${here}: would be removed`) && out.includes(`${there}: is of a database that this fleet file does not have`)
    )
  })
  await apply(file, '--prune', '--yes')
  await expect(handleOf(here).describe()).rejects.toThrow()
  expect(await it.cli(['schedule', 'remove', 'orphans', there.slice('schedule/orphans/'.length), '--yes'])).toMatchObject({
    exit: 0,
  })
})

test('of a place that two fleet files share neither removes what the other asked for, nor forgets what the other named', async () => {
  const here = `schedule/orphans/${PLACE}`
  const naming = (copy: string) => (text: string) => text.replace('instance: shop-db', `instance: ${copy}`)
  const first = (more = (text: string) => text) =>
    fleetWith(
      { quick: '' },
      searched('{ every: 6h }', (text) => naming('cap-one-copy')(more(text))),
    )
  const told = async () => (await handleOf(here).describe()).action
  await apply(first())
  const other = fleetWith({ other: '' }, naming('cap-two-copy'))
  await it.until('that it is listed', async () =>
    (await apply(other, '--plan')).out.includes(`${here}: is of a database that this`),
  )
  expect(await counts(other, '--prune', '--yes')).toMatchObject({ foreign: expect.any(Number) })
  expect(await told()).toMatchObject({ args: [{ named: ['cap-one-copy'] }] })

  const both = ['cap-one-copy', 'cap-two-copy']
  const asks = fleetWith({ other: '' }, searched('{ every: 6h }', naming('cap-two-copy')))
  expect((await apply(asks)).out).toContain(`${here}: changed: fleet entry\n`)
  expect(await told()).toMatchObject({ args: [{ named: both }] })
  expect(await counts(asks)).toMatchObject({ unchanged: 1 })
  for (const place of [['--place', PLACE], []]) {
    const { json } = await it.cli(['schedule', 'list', ...place, '--fleet', asks, '--json'])
    expect(json).toMatchObject({ schedules: expect.arrayContaining([expect.objectContaining({ id: here, entry: 'same' })]) })
  }
  await apply(first())
  expect(await told()).toMatchObject({ args: [{ named: both }] })

  // where a database of the file was, or its snapshots were copied into
  const there = 'schedule/orphans/aws/123456789012/eu-west-1'
  await apply(first((text) => text.replace('region: eu-central-1', 'region: eu-west-1')))
  const left = first()
  await it.until('that it is listed', async () =>
    (await apply(left, '--plan', '--prune')).out.includes(`${there}: would be removed`),
  )
  await apply(left, '--prune', '--yes')
  await expect(handleOf(there).describe()).rejects.toThrow()
  await handleOf(here).delete()
})
