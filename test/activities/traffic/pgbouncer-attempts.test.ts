/** Attempts at real PgBouncers that are aborted, or overtaken by a later one: what they leave is what the later one did. */
import { spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serverUser } from '../../../pgserver/server-user'
import { failureOf } from '../../postgres/support/apply'
import { until } from '../../support/eventually'
import { describeWithPgBouncer, type TestPooler } from '../../support/pgbouncer'
import { DATABASE, Poolers } from './poolers'

const DIST = join(__dirname, '..', '..', '..', 'dist')

describeWithPgBouncer('an attempt at an endpoint that is PgBouncer', () => {
  let it: Poolers
  let one: TestPooler
  let two: TestPooler
  beforeAll(async () => {
    it = await Poolers.start()
    await it.lead(it.old.at)
    ;[one, two] = await Promise.all([it.pooler('one'), it.pooler('two')])
  })
  afterAll(() => it?.stop())
  afterEach(() => it.closeClients())
  beforeEach(async () => {
    await it.lead(it.old.at)
    for (const pooler of [one, two]) {
      if (await it.isPaused(pooler)) await it.admin(pooler, `RESUME "${DATABASE}"`)
      await it.admin(pooler, 'RELOAD')
    }
  })

  const both = () => it.under(it.endpoint([one, two]))
  const paused = () => Promise.all([one, two].map((pooler) => it.isPaused(pooler)))
  /** Is current for so many questions, and does `then` at the last of them. */
  const currentFor = (questions: number, then: () => Promise<void> = async () => undefined) => {
    let asked = 0
    return async () => {
      asked += 1
      if (asked === questions) await then()
      return asked <= questions
    }
  }

  test('that is aborted while it waits for a pause lets clients go on', async () => {
    const { act, ref } = await both()
    const stuck = await it.client(two)
    await stuck.query('BEGIN; INSERT INTO written VALUES (1)')
    const aborting = new AbortController()
    const ended = act((traffic) => traffic.pauseEndpoint({ ...ref, withinMs: 60_000 }), { signal: aborting.signal }).catch(
      (error: unknown) => error,
    )
    await until('a pause', async () => !(await paused()).includes(false))
    aborting.abort(new Error('the worker ends'))
    expect(await ended).toMatchObject({ message: 'the worker ends' })
    expect(await paused()).toEqual([false, false])
    await stuck.query('COMMIT')
  })

  test('that is overtaken pauses nobody for good, and ends nobody else’s pause before it has paused itself', async () => {
    const { act, ref } = await both()
    const pause = (isCurrent: () => Promise<boolean>) =>
      failureOf(
        act((traffic) => traffic.pauseEndpoint({ ...ref, withinMs: 10_000 }), { isCurrent }),
        'HEARTBEAT_GAP',
      )
    let consoles: readonly number[] = []
    // asked with each console open, so that nothing takes its time between the answer and the pause
    await pause(
      currentFor(1, async () => {
        consoles = await Promise.all([one, two].map((pooler) => it.consoles(pooler)))
      }),
    )
    expect([consoles, await paused()]).toEqual([
      [1, 1],
      [false, false],
    ])
    await it.admin(one, `PAUSE "${DATABASE}"`)
    await pause(currentFor(0))
    expect(await paused()).toEqual([true, false])
    await it.admin(one, `RESUME "${DATABASE}"`)
  })

  test('that is overtaken before its file takes the place of the old one leaves that, and nothing beside it', async () => {
    const { act, ref } = await both()
    const move = { ...ref, from: it.old.at, to: it.fresh.at }
    const before = await it.text()
    const beside = await readdir(it.folder)
    for (const questions of [0, 1, 2]) {
      await failureOf(
        act((traffic) => traffic.moveEndpoint(move), { isCurrent: currentFor(questions) }),
        'HEARTBEAT_GAP',
      )
      expect([questions, await it.text(), await readdir(it.folder)]).toEqual([questions, before, beside])
    }
  })

  test('that hangs over the shared disk has nothing left to put in place once a later one has looked', async () => {
    const { act, ref } = await both()
    const move = { ...ref, from: it.old.at, to: it.fresh.at }
    const before = await it.text()
    // the third question is the one right before: its file is whole by then
    const undone = async () => {
      expect((await readdir(it.folder)).filter((name) => name.startsWith('.shop.ini.capstan-'))).toHaveLength(1)
      expect(await act((traffic) => traffic.moveBack(move))).toMatchObject({ moved: 'already-there' })
    }
    await failureOf(
      act((traffic) => traffic.moveEndpoint(move), { isCurrent: currentFor(3, undone) }),
      'ENDPOINT_UNREACHABLE',
    )
    expect([await it.text(), await it.leads(one)]).toEqual([before, it.old.at.port])
  })

  test('that meets a file which somebody changes under its hands replaces nothing of it', async () => {
    const { act, ref } = await both()
    const move = { ...ref, from: it.old.at, to: it.fresh.at }
    const before = await it.text()
    const byHand = before.replace('pool_size=8', 'pool_size=9')
    await failureOf(
      act((traffic) => traffic.moveEndpoint(move), { isCurrent: currentFor(3, () => writeFile(it.file, byHand)) }),
      'ENDPOINT_UNREACHABLE',
    )
    expect(await it.text()).toBe(byHand)
    const elsewhere = before.replace(/port=\d+/, 'port=1')
    await failureOf(
      act((traffic) => traffic.moveEndpoint(move), { isCurrent: currentFor(2, () => writeFile(it.file, elsewhere)) }),
      'ENDPOINT_DRIFTED',
    )
    expect([await it.text(), await it.leads(one)]).toEqual([elsewhere, it.old.at.port])
  })

  test('that could not replace the file is refused when it looks, before anybody is kept out', async () => {
    const { act, ref } = await both()
    const nowhere = await failureOf(
      act((traffic) => traffic.whereTo({ ...ref, next: { host: 'a b', port: 5432 } })),
      'ENDPOINT_REFUSED',
    )
    expect(nowhere.message).toContain('cannot lead to a host of that name')
    expect(await act((traffic) => traffic.whereTo({ ...ref, next: it.fresh.at }))).toMatchObject({ at: it.old.at })

    const { uid, gid, steppedDown } = serverUser()
    const folder = join(it.folder, 'shared')
    await mkdir(folder)
    await it.lead(it.old.at, join(folder, 'shop.ini'))
    const program = `
      const { targetFile } = require('${DIST}/activities/traffic/pgbouncer/target-file')
      targetFile({ folder: '${folder}', file: 'shop.ini', database: '${DATABASE}' }).assertMovable(null).then(
        () => console.log('movable'),
        ({ code, message }) => console.log(code, message),
      )`
    /** As a worker that is not root: the file's own user, or another. */
    const looked = () => spawnSync(process.execPath, ['-e', program], steppedDown ? { uid, gid } : {}).stdout.toString()
    if (steppedDown) {
      expect(looked()).toContain(
        `ENDPOINT_REFUSED The file shop.ini of the endpoint belongs to the user 0 and this worker runs as ${uid}`,
      )
      await chown(folder, uid, gid)
      await chown(join(folder, 'shop.ini'), uid, 0)
      expect(looked()).toContain(
        'ENDPOINT_REFUSED The file shop.ini of the endpoint belongs to the group 0, of which this worker is no member',
      )
      await chown(join(folder, 'shop.ini'), uid, gid)
    }
    expect(looked()).toBe('movable\n')
    await chmod(folder, 0o555)
    expect(looked()).toContain(
      'ENDPOINT_REFUSED The file shop.ini of the endpoint is in a folder that this worker cannot write to',
    )
    await chmod(folder, 0o755)
  })
})
