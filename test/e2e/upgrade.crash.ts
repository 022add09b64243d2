/** A changed copy takes the place of an instance of RDS, while a bank goes on through its name. What else may happen: upgrade.nightly.ts. */
import { UPGRADE_DOCUMENTS, UPGRADE_STEPS, type UpgradeProven } from '../../contracts/upgrade'
import { GROUP, Upgrading } from '../support/upgrading'

let it: Upgrading
beforeAll(async () => {
  it = await Upgrading.start()
})
afterAll(() => it?.close())

/** When the cloud was told, and its answer got lost. */
const DEATH = 'beginSwitch#1:after'

test('its cloud switches over once, though a worker dies and the answer gets lost: every acknowledged row is under the name, and the old instance refuses writes', async () => {
  const since = await it.lab.mark()
  await it.lab.order({ cloud: 'aws', kind: 'drop-response', operation: 'SwitchoverBlueGreenDeployment' })
  it.capstan.arm(DEATH)
  const ended = await it.ended('tuned', ['--parameter-group', GROUP, '--observe', '1s', '--compare-within', '5m'])
  expect(ended).toMatchObject({ kind: 'upgrade', status: 'succeeded', verdict: 'pass', failure: null })
  expect(it.capstan.disarm(DEATH)).toBe(false)
  const steps = Object.values(UPGRADE_STEPS).map(({ id }) => id)
  expect(ended.steps.map(({ id }) => id).sort()).toEqual(steps.filter((id) => id !== 'approve').sort())
  expect(await it.effects('CreateBlueGreenDeployment', since)).toBe(1)
  expect(await it.effects('SwitchoverBlueGreenDeployment', since)).toBe(1)
  const proven = (await it.capstan.ledger.getDocument({ operation: 'tuned', name: UPGRADE_DOCUMENTS.proven })) as UpgradeProven
  expect(proven).toMatchObject({ writer: 'green', other: 'refuses', findings: [] })
  expect(proven.evidence.join('; ')).toContain('stock-old1 refused a write')
  const proof = await it.capstan.ledger.getDocument({ operation: 'tuned', name: UPGRADE_DOCUMENTS.proof })
  expect(proof).toMatchObject({ findings: [], compared: { equal: expect.arrayContaining(['public.accounts']), different: [] } })
  await it.writesGoOn()
  await it.isWhole()
  expect(await it.ask('stock', 'SHOW work_mem')).toEqual([{ work_mem: '8MB' }])
  expect(await it.left()).toEqual({ instances: ['stock', 'stock-old1'], deployments: [] })
  const write = 'UPDATE public.accounts SET holder = holder WHERE id = 1'
  await expect(it.ask('stock-old1', write)).rejects.toMatchObject({ sqlState: '25006' })
})
