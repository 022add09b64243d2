/** What becomes of a standby that is really hurt: looked at over and over as the watch does. */
import type { StandbyRecord, StandbyState } from '../../../../contracts/standby'
import { beat, lastBeat } from '../../../../postgres/replicate/watch/beat'
import { judge } from '../../../../postgres/replicate/watch/judge'
import { lookAtSource, lookAtStandby } from '../../../../postgres/replicate/watch/look'
import { wholeLook } from '../../../../postgres/replicate/watch/whole-look'
import { until } from '../../../support/eventually'
import type { TestServer } from '../../support/server'
import { type Following, follow, progress, startSource, startStandby } from './following'
import { RECORD } from './looks'

let source: TestServer
let standby: TestServer
beforeAll(async () => {
  ;[source, standby] = await Promise.all([startSource(15), startStandby()])
})
afterAll(() => Promise.all([source?.stop(), standby?.stop()]))

class Watch {
  record: StandbyRecord
  readonly #of: Following
  act = 'none'
  constructor(of: Following) {
    this.#of = of
    const { name, publication } = of
    this.record = { ...RECORD, state: 'copying', names: { publication, slot: name, subscription: name } }
  }

  async look(): Promise<StandbyState> {
    const { source: here, standby: there, name, publication } = this.#of
    await beat(here)
    const seen = { ...(await lookAtStandby(there, { subscription: name, progress })), beat: await lastBeat(there) }
    const told = await lookAtSource(here, { slot: name, publication, copySlots: seen.copySlots })
    const look = wholeLook({
      at: new Date().toISOString(),
      source: told,
      standby: seen,
      schemaDiffers: null,
      before: this.record.look,
    })
    const { state, reason, act } = judge(this.record, look)
    this.record = { ...this.record, state, reason, look }
    this.act = act
    return state
  }

  sees(state: StandbyState): Promise<void> {
    return until(state, async () => (await this.look()) === state)
  }
}

test('a row in the way breaks it, it stays broken for as long as it is, and is mended by what comes through', async () => {
  const it = await follow({ source, standby })
  const watch = new Watch(it)
  await watch.sees('following')
  await it.standby.execute(`INSERT INTO items VALUES (1, 'in the way')`)
  await it.source.execute(`INSERT INTO items VALUES (1, 'first')`)
  await watch.sees('broken')
  expect(watch.record.reason).toContain('could not apply a change')
  for (let looks = 0; looks < 20; looks += 1) expect(await watch.look()).toBe('broken')
  await it.standby.execute('DELETE FROM items WHERE id = 1')
  await watch.sees('following')
  expect(watch.record.reason).toBeNull()
  expect(await it.standby.query('SELECT name FROM items WHERE id = 1')).toEqual([{ name: 'first' }])
})

test('one that disables itself says so, and a pause is not broken until its slot holds back too much', async () => {
  const it = await follow({ source, standby }, { options: ', disable_on_error = true' })
  const watch = new Watch(it)
  await watch.sees('following')
  await it.standby.execute(`INSERT INTO items VALUES (1, 'in the way')`)
  await it.source.execute(`INSERT INTO items VALUES (1, 'first')`)
  await watch.sees('broken')
  await until(
    'the end of its worker',
    async () => (await watch.look()) === 'broken' && watch.record.look?.target?.subscription?.enabled === false,
  )
  await until(
    'what it counted',
    async () => (await watch.look()) === 'broken' && (watch.record.reason ?? '').includes('has disabled itself'),
  )

  watch.record = {
    ...watch.record,
    state: 'paused',
    reason: null,
    declared: { ...RECORD.declared, retainedBytesMax: 16 * 1024 ** 2 },
  }
  expect(await watch.look()).toBe('paused')
  expect(watch.record.look).toMatchObject({ lagBytes: expect.any(Number), source: { slot: { active: false } } })
  await it.source.execute(`CREATE TABLE noise AS SELECT repeat('x', 900) FROM generate_series(1, 20000)`)
  expect(await watch.look()).toBe('to-be-seeded')
  expect(watch.act).toBe('drop-slot')
  await it.standby.execute(`DELETE FROM items WHERE id = 1; ALTER SUBSCRIPTION ${it.name} ENABLE`)
  for (let looks = 0; looks < 5; looks += 1) expect(await watch.look()).toBe('to-be-seeded')
})
