/** One of both sides is away when a person goes on by hand: nobody is left without a writer for it, and no second one is opened. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SideName } from '../../../postgres/break-glass/sides'
import { KEYHOLE } from '../../../postgres/fence/keyhole'
import { failureOf } from '../../postgres/support/apply'
import { type Away, goingByHand, mayWrite } from './going-by-hand'
import { type Movers, type Moving, startMovers } from './moving'

let movers: Movers
beforeAll(async () => {
  movers = await startMovers()
})
afterAll(() => movers?.stop())

/** With papers, up to the way back. */
async function prepared(): Promise<Moving> {
  const it = await movers.moving()
  expect((await it.plan()).blocks).toEqual([])
  await it.act((on) => on.writePapers(it.input('papers')))
  await it.act((on) => on.prepareWayBack(it.input('way-back')))
  return it
}

/** As it is left by a worker that died once applications were let into the standby. */
async function opened(): Promise<Moving> {
  const it = await prepared()
  await it.act((on) => on.fenceAndDrain(it.input('cross')))
  await it.act((on) => on.recordMoved(it.input('move')))
  await it.act((on) => on.openToApplications(it.input('open')))
  return it
}

const byHand = (it: Moving, away: Away) => goingByHand(movers, it, away)

test('an attempt to lead applications that comes late leads nobody to a standby that a person went back from', async () => {
  const it = await prepared()
  await it.act((on) => on.fenceAndDrain(it.input('cross')))
  await it.act((on) => on.recordMoved(it.input('move')))
  const folder = await mkdtemp(join(tmpdir(), 'capstan-late-'))
  const now = join(folder, 'now')
  const { host, port } = movers.servers.source
  const atSource = `${host}:${port}\n`
  await writeFile(now, atSource)
  await writeFile(join(folder, 'check'), '#!/bin/sh\ncat now\n', { mode: 0o755 })
  await writeFile(join(folder, 'move'), '#!/bin/sh\necho "$CAPSTAN_TO_HOST:$CAPSTAN_TO_PORT" > now\n', { mode: 0o755 })
  expect(await it.led(folder, { attempt: 2 })).toMatchObject({ moved: 'moved' })
  await writeFile(now, atSource)

  const { revert } = await byHand(it, () => false)
  expect(await revert()).toEqual({ standbyLeft: false })
  for (const late of [{ attempt: 2 }, { scheduledAtMs: Date.now() - 4_000 }]) await failureOf(it.led(folder, late), 'FENCED_OFF')
  expect(await readFile(now, 'utf8')).toBe(atSource)
  await rm(folder, { recursive: true })
})

test('finish leads applications to a standby that was opened though the source is away, and to no other', async () => {
  const source = (side: SideName) => side === 'source'
  const shut = await prepared()
  const early = await byHand(shut, source)
  expect((await failureOf(early.finish(), 'DATABASE_UNREACHABLE')).message).toContain('so the standby is not opened')
  expect(early.led).toEqual([])

  const it = await opened()
  const { led, finish } = await byHand(it, source)
  expect(await finish()).toEqual({ sourceLeft: true })
  expect(led).toEqual([true])
  expect(await mayWrite(it, 'standby')).toBe(true)
  // later writing moves on from there
  await it.on(
    'standby',
    'master',
    `INSERT INTO capstan.moved_away (oid, operation, writer) SELECT oid, 'later', 'other' FROM pg_database WHERE datname = '${it.names.standby}'`,
    KEYHOLE,
  )
  await failureOf(finish(), 'DATABASE_UNREACHABLE')
  expect(led).toEqual([true])
})

test('revert opens no source that follows a standby which is away, though no mark beside it says that writing has moved', async () => {
  const it = await opened()
  await it.act((on) => on.letOldFollow(it.input('follow')))
  await it.on('source', 'master', 'DELETE FROM capstan.moved_away', KEYHOLE)
  const { led, revert } = await byHand(it, (side) => side === 'standby')
  await failureOf(revert(), 'NO_WAY_BACK')
  expect([led, await mayWrite(it, 'source'), await mayWrite(it, 'standby')]).toEqual([[], false, true])
})

test('revert asks beside a standby whose database lets nobody in, whether applications were', async () => {
  const it = await opened()
  await it.on('source', 'master', 'DELETE FROM capstan.moved_away', KEYHOLE)
  await it.on('source', 'master', 'UPDATE capstan.closed_database SET connection_limit = NULL', KEYHOLE)
  await it.on('source', 'postgres', `ALTER DATABASE ${it.names.source} ALLOW_CONNECTIONS false`, 'postgres')
  const { led, revert } = await byHand(it, (side, role) => side === 'standby' && role === 'migrator')
  await failureOf(revert(), 'NO_WAY_BACK')
  expect([led, await mayWrite(it, 'source'), await mayWrite(it, 'standby')]).toEqual([[], false, true])
})
