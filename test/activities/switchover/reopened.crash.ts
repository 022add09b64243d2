/** A worker died once its way back carried: by whichever way the source is opened again, whoever writes the moment he is let in is turned away by nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { findPapers } from '../../../postgres/break-glass/keep'
import { revertByHand } from '../../../postgres/break-glass/revert'
import type { Reach } from '../../../postgres/break-glass/sides'
import { connect } from '../../../postgres/connect/session'
import { KEYHOLE } from '../../../postgres/fence/keyhole'
import { ensureControlSchema } from '../../../postgres/migrate/control-schema'
import { prepareGuard, raiseGuard } from '../../../postgres/replicate/guard'
import { failureOf } from '../../postgres/support/apply'
import { until } from '../../support/eventually'
import { type Movers, type Moving, startMovers } from './moving'

let movers: Movers
beforeAll(async () => {
  movers = await startMovers()
})
afterAll(() => movers?.stop())

/** Each comes again and again as the application, and says what its writes were answered. */
function impatient(it: Moving, count: number) {
  const answers: string[] = []
  let stopped = false
  const coming = Array.from({ length: count }, async () => {
    while (!stopped) {
      const session = await it.inside('source', 'app').catch(() => null)
      const wrote = session?.query(`INSERT INTO orders (what) VALUES ('at once')`).then(
        () => answers.push('written'),
        (error: { sqlState?: string }) => answers.push(error.sqlState ?? String(error)),
      )
      await wrote
      await session?.close()
      await sleep(2)
    }
  })
  return {
    answers,
    async goOn() {
      await until('them to write', async () => answers.length > 20)
      stopped = true
      await Promise.all(coming)
      expect([...new Set(answers)]).toEqual(['written'])
    },
  }
}

const keptOut = (it: Moving) => it.on('source', 'master', 'SELECT operation FROM capstan.kept_out', KEYHOLE)

test('the undo of a crossing whose worker died', async () => {
  const it = await movers.moving()
  await it.crossed()
  const writers = impatient(it, 4)
  await it.takenBack()
  await writers.goOn()
  expect(await keptOut(it)).toEqual([])
})

test('an undo that is overtaken while the source lets its own roles in alone, and its repeat', async () => {
  const it = await movers.moving()
  await it.crossed()
  const writers = impatient(it, 4)
  const over = new AbortController()
  const first = it.act((on) => on.takeBackFence(it.input('cross')), { signal: over.signal })
  first.catch(() => undefined)
  await until(
    'its own roles to be let in',
    async () => {
      const held = await it.inside('source', 'mover').catch(() => null)
      if (held === null) return false
      over.abort()
      await held.close()
      return true
    },
    1,
  )
  await first.catch(() => undefined)
  await it.takenBack()
  await writers.goOn()
  expect(await keptOut(it)).toEqual([])
})

test('a guard that was left by a crossing of before, and a way back that cannot be made, turn nobody away', async () => {
  const it = await movers.moving()
  expect((await it.plan()).blocks).toEqual([])
  const [mover, master, slow] = [
    await it.inside('source', 'mover'),
    await it.inside('source', 'master'),
    await it.inside('source', 'app'),
  ]
  await ensureControlSchema(mover)
  await prepareGuard(mover, {})
  expect(await raiseGuard(master, {})).toEqual([])
  await Promise.all([mover.close(), master.close()])
  const enabled = () =>
    it.on(
      'source',
      'postgres',
      `SELECT subname FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE d.datname = current_database() AND subenabled`,
    )
  await slow.execute(`BEGIN; INSERT INTO orders (what) VALUES ('slow')`)
  const refused = await failureOf(
    it.act((on) => on.prepareWayBack(it.input('way-back'))),
    'DATABASE_REFUSED',
  )
  expect(refused.message).toMatch(/their locks were not to be had within 5 s: public\.orders\. End what/)
  await slow.execute('COMMIT')
  await slow.close()
  const writers = impatient(it, 4)
  const lets = (login: string) => it.on('standby', 'postgres', `ALTER ROLE follower ${login}`)
  await lets('NOLOGIN')
  await failureOf(
    it.act((on) => on.prepareWayBack(it.input('way-back'))).finally(() => lets('LOGIN')),
    'CREDENTIALS_REJECTED',
  )
  expect(await enabled()).toEqual([])
  await it.act((on) => on.prepareWayBack(it.input('way-back')))
  expect(await enabled()).toEqual([])
  await writers.goOn()
})

test('a person who takes it back by hand', async () => {
  const it = await movers.moving()
  expect((await it.plan()).blocks).toEqual([])
  await it.act((on) => on.writePapers(it.input('papers')))
  await it.act((on) => on.prepareWayBack(it.input('way-back')))
  await it.act((on) => on.fenceAndDrain(it.input('cross')))
  const keyhole = await connect({ ...optionsOf(it, 'source'), database: KEYHOLE })
  const papers = await findPapers(keyhole, it.operation).finally(() => keyhole.close())
  if (papers === null) throw new Error('there are no papers')
  const reach: Reach = ({ side, role, database, applicationName }) =>
    connect({ ...optionsOf(it, side), user: role === 'admin' ? 'master' : 'mover', database, applicationName })
  const told = async () => undefined
  const lead = async () => ({ moved: true, said: 'they are there' })
  const writers = impatient(it, 4)
  const run = {
    papers,
    reach,
    run: 'a',
    before: told,
    after: told,
    failed: told,
    neverFailedOver: async () => 'nobody did',
    lead,
  }
  expect(await revertByHand(run)).toEqual({ standbyLeft: false })
  await writers.goOn()
  expect(await keptOut(it)).toEqual([])
})

function optionsOf(it: Moving, side: 'source' | 'standby') {
  const { host, port } = movers.servers[side]
  return { host, port, user: 'master', password: 'secret', database: it.names[side], applicationName: 'by hand' }
}
