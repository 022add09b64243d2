/** Killed while it overwrites an instance with a backup, the lab finishes it when it is started again: the instance holds the backup, whole and alone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { killableLab } from '../killable'
import { gcpOf, PROJECT } from './fixture'

const lab = killableLab()
const gcp = gcpOf(lab)
const call = { project: PROJECT, instance: 'shop' }
const rows = async () => (await gcp.ask<{ n: number }>(await gcp.get('shop'), 'SELECT n FROM t ORDER BY n')).map(({ n }) => n)

beforeAll(async () => {
  await lab.open()
  await gcp.create('shop')
})
afterAll(() => lab.remove())

test.each([0, 100, 300, 700])('%s ms into it', async (ms) => {
  await gcp.ask(await gcp.get('shop'), 'DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT 1 AS n')
  const [backingUp] = await gcp.sdk.backupRuns.insert({ ...call, body: {} })
  const { backupContext } = await gcp.done(backingUp)
  await gcp.ask(await gcp.get('shop'), 'INSERT INTO t VALUES (2)')
  const [restore] = await gcp.sdk.instances.restoreBackup({ ...call, body: { backup: backupContext!.name! } })
  await sleep(ms)
  await lab.killAndRestart()
  expect(await gcp.done(restore)).toMatchObject({ operationType: 'RESTORE_VOLUME', error: null, backupContext })
  expect(await rows()).toEqual([1])
  // once over, it is not done again
  await gcp.ask(await gcp.get('shop'), 'INSERT INTO t VALUES (3)')
  await lab.killAndRestart()
  expect(await rows()).toEqual([1, 3])
})
