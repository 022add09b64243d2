/** The fence takes longer than what the fleet file allows to be lost: nobody has agreed to that, and the standby stays closed until somebody does. */
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { FAILOVER_DOCUMENTS, type FailoverKept, type FailoverPlan } from '../../contracts/failover'
import { until } from '../support/eventually'
import { labDoor } from '../support/lab'
import { isAt } from '../support/migrating'
import { Switching } from '../support/switching'

/** More than the time in which a source is declared dead, on a slow machine too. */
const ALLOWED_MS = 25_000

let it: Switching

beforeAll(async () => {
  it = await Switching.start('gcp')
  const { fleet, name } = it.pair
  const limits = '      lockAttempts: 3\n'
  const yaml = readFileSync(fleet, 'utf8')
  expect(yaml.split(limits)).toHaveLength(2)
  writeFileSync(fleet, yaml.replace(limits, `${limits}      failover: { allowLoss: ${ALLOWED_MS / 1_000}s }\n`))
  await it.isFollowing('stock', name)
})
afterAll(() => it?.close())

const document = async <T>(operation: string, name: string) => (await it.capstan.ledger.getDocument({ operation, name })) as T

/** Frozen, and back to life once its cloud can stop it, which is later than was allowed. Resolves once it asks. */
async function fencedLate(operation: string) {
  const lab = labDoor(it.capstan)
  // what it writes once it is back does not come over
  const cut = await lab.order({ kind: 'cut-link', from: 'gcp', to: 'aws', for: '1h' })
  const frozen = await lab.order({ cloud: 'aws', kind: 'freeze-instance', instance: 'stock', for: '1h' })
  const throttled = await lab.order({ cloud: 'aws', kind: 'throttle', operation: 'StopDBInstance', times: 100_000 })
  const running = it.ended(operation, 'failover', 'stock', '--to', it.pair.name, '--patience', '2s')
  await until('its cloud to be told', async () => {
    return (await it.capstan.ledger.listFences()).some((one) => one.operation === operation && one.before !== null)
  })
  const { asks, exposure } = await document<FailoverPlan>(operation, FAILOVER_DOCUMENTS.plan)
  expect(asks).toBeNull()
  expect(exposure.lossMsMax).toBeLessThanOrEqual(ALLOWED_MS)
  await sleep(Math.max(0, Date.parse(exposure.beat?.at ?? '') + ALLOWED_MS + 500 - Date.now()))
  await lab.withdraw(throttled)
  await lab.withdraw(frozen)
  await until('the question', async () => isAt(await it.capstan.ledger.getOperation(operation), 'approve', 'running'))
  await lab.withdraw(cut)
  expect((await it.capstan.ledger.getOperation(operation))?.steps.map(({ id }) => id)).not.toContain('open')
  const shown = await it.pair.cli('ops', 'show', operation, '--plan')
  expect(shown.stdout).toMatch(/somebody else has to approve it: up to [0-9.]+ s of writes may be lost, and 25\.0 s were allowed/)
  expect(it.writers()).toEqual(['source'])
  return { running, stated: await document<FailoverPlan>(operation, FAILOVER_DOCUMENTS.plan) }
}

test('rejected, it is all taken back: the source goes on, and the standby was never opened', async () => {
  const { running, stated } = await fencedLate('rejected')
  expect(stated.exposure.lossMsMax).toBeGreaterThan(ALLOWED_MS)
  await until(
    'a rejection',
    async () => (await it.pair.cli('ops', 'reject', 'rejected', '--by', 'bob', '--reason', 'it lives')).code === 0,
  )
  const operation = await running
  expect(operation).toMatchObject({ status: 'rejected', failure: null })
  expect(operation.steps.find(({ id }) => id === 'fence')).toMatchObject({ state: 'undone' })
  expect(await document('rejected', FAILOVER_DOCUMENTS.opened)).toBeNull()
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source'])
  await it.isFollowing('stock', it.pair.name)
})

test('approved, it loses what was approved, whoever dies meanwhile', async () => {
  it.capstan.arm('stateLoss#1:after')
  const { running, stated } = await fencedLate('approved')
  expect(it.capstan.disarm('stateLoss#1:after')).toBe(false)
  await until('an approval', async () => (await it.pair.cli('ops', 'approve', 'approved', '--by', 'bob')).code === 0)
  expect(await running).toMatchObject({ status: 'succeeded', failure: null })
  const { beat, lossMsMax } = await document<FailoverKept>('approved', FAILOVER_DOCUMENTS.kept)
  expect({ beat, lossMsMax }).toEqual({ beat: stated.exposure.beat, lossMsMax: stated.exposure.lossMsMax })
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source', 'standby'])
})
