/** The moving of a PgBouncer endpoint, in a process of its own that is killed each time it asks a pooler: whatever is left, the undo lets clients go on where they
 *  were, and the next attempt moves them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { until } from '../../support/eventually'
import { describeWithPgBouncer, type TestPooler } from '../../support/pgbouncer'
import { Poolers, USERS, Writers } from './poolers'

const DIST = join(__dirname, '..', '..', '..', 'dist')

/** The program itself, as it was compiled. `KILL_AT`: the number of the call for a password, of which each console takes one; 0: never. */
const PROGRAM = `
const { runAct } = require('${DIST}/activities/act')
const { createTrafficActivities } = require('${DIST}/activities/traffic/traffic')
const { openLedger } = require('${DIST}/ledger/ledger')
const { ledgerUrl, poolerFiles, ref, move, killAt, password } = JSON.parse(process.env.TOLD)
let asked = 0
const resolveSecret = async () => {
  const call = ++asked
  // so that one pooler has been told what the other has not
  if (call % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 60))
  if (call === killAt) process.kill(process.pid, 'SIGKILL')
  return password
}
const ledger = openLedger({ url: ledgerUrl })
const traffic = createTrafficActivities({ ledger, endpoints: { commands: null, labRouter: null, poolerFiles }, resolveSecret })
const act = { attempt: 1, scheduledAtMs: Date.now(), signal: new AbortController().signal, stale: () => false, isCurrent: async () => true }
runAct(act, async () => {
  await traffic.pauseEndpoint({ ...ref, withinMs: 20000 })
  await traffic.moveEndpoint({ ...ref, ...move })
  await traffic.resumeEndpoint(ref)
}).then(() => ledger.close())
`

describeWithPgBouncer('the moving of poolers', () => {
  let it: Poolers
  let one: TestPooler
  let two: TestPooler
  beforeAll(async () => {
    it = await Poolers.start()
    await it.lead(it.old.at)
    ;[one, two] = await Promise.all([it.pooler('one'), it.pooler('two')])
  })
  afterAll(() => it?.stop())

  test('killed at any call, and taken back or begun anew: no client sees an error, and none writes to two places', async () => {
    const { act, ref } = await it.under(it.endpoint([one, two]))
    const move = { from: it.old.at, to: it.fresh.at }
    const attempt = async (killAt: number): Promise<'killed' | 'done'> => {
      const told = { ledgerUrl: it.ledgerUrl, poolerFiles: it.folder, ref, move, killAt, password: USERS.boss }
      const env = { PATH: process.env.PATH ?? '', TOLD: JSON.stringify(told) }
      const child = spawn(process.execPath, ['-e', PROGRAM], { env, stdio: ['ignore', 'inherit', 'inherit'] })
      const [code, signal] = await once(child, 'exit')
      if (signal === 'SIGKILL') return 'killed'
      expect([killAt, code, signal]).toEqual([killAt, 0, null])
      return 'done'
    }
    const clients = await Promise.all([one, two, one, two].map((pooler) => it.client(pooler)))
    const writers = new Writers(clients)
    const goOn = async () => {
      const since = writers.acknowledged.length
      await until('writers', async () => writers.acknowledged.length > since + 20 || writers.errors.length > 0)
    }
    await goOn()
    let [deaths, half] = [0, 0]
    while ((await attempt(deaths + 1)) === 'killed') {
      deaths += 1
      const paused = [await it.isPaused(one), await it.isPaused(two)]
      const { at } = await act((traffic) => traffic.whereTo(ref)).catch(() => ({ at: null }))
      // some write where they were led to: from here on there is only forward
      if (at?.port === it.fresh.at.port && paused.includes(false)) continue
      half += Number(paused[0] !== paused[1] || at === null)
      await act((traffic) => traffic.moveBack({ ...ref, ...move }))
      await act((traffic) => traffic.resumeEndpoint(ref))
      await goOn()
      expect([await it.isPaused(one), await it.isPaused(two), writers.errors, await it.fresh.written()]).toEqual([
        false,
        false,
        [],
        [],
      ])
    }
    // of those some left one pooler told and the other not
    expect([deaths >= 12, half >= 2]).toEqual([true, true])
    await goOn()
    await writers.stop()
    const [old, fresh] = [await it.old.written(), await it.fresh.written()]
    expect([writers.errors, old.length > 0, fresh.length > 0]).toEqual([[], true, true])
    expect([...old, ...fresh].sort((a, b) => a - b)).toEqual(writers.acknowledged.sort((a, b) => a - b))
  })
})
