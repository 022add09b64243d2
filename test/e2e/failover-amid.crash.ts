/** A failover that is planned while a switchover has the pair in its hand: one that runs is told from one that was ended by force, which leaves the same in the ledger. */
import type { Finding } from '../../contracts/operation'
import { until } from '../support/eventually'
import { Switching } from '../support/switching'

let it: Switching

beforeAll(async () => {
  it = await Switching.start('gcp')
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

const ruled = (findings: readonly Finding[], wanted: string) => findings.find(({ rule }) => rule === `failover:${wanted}`)

/** Of the plan's findings and warnings, by their rules. */
async function planned(operation: string) {
  const asked = ['failover', 'stock', '--to', it.pair.name, '--patience', '2s', '--plan'] as const
  expect(await it.ended(operation, ...asked)).toMatchObject({ status: 'planned' })
  const { code, stdout } = await it.pair.cli('ops', 'show', operation, '--plan', '--json')
  expect(code).toBe(0)
  const { plan } = JSON.parse(stdout) as { plan: Readonly<Record<'blocks' | 'warnings', readonly Finding[]>> }
  return plan
}

test('one that runs is named with its step, and stands in the way; once it was ended by force, the plan says that it was left amid', async () => {
  it.capstan.arm('prepareWayBack#1:before')
  const deaths = it.capstan.deaths()
  const over = it.ended('crossing', 'switchover', 'stock', '--to', it.pair.name).catch(() => undefined)
  await until('its worker to die', async () => it.capstan.deaths() > deaths)
  // whoever publishes it there waits for that; no sequence is reckoned from it, so that a plan does not
  const keeper = await it.pair.standby.admin()
  await keeper.execute('BEGIN; LOCK TABLE public.accounts IN ACCESS EXCLUSIVE MODE')
  await until('the way back to be begun', async () => {
    return (await it.capstan.ledger.getStandby({ source: it.pair.name, target: 'stock' }))?.state === 'switching'
  })
  const running = await planned('while-it-runs')
  const { message = '' } = ruled(running.blocks, 'switchover-runs') ?? {}
  expect(message).toMatch(/^crossing is moving writing between stock and .* right now \(running, at the step “.+”\)/)
  expect(message).toContain('capstan ops abort crossing')

  it.capstan.arm('fenceAndDrain#1:after')
  await keeper.close()
  await until('it to die behind the fence', async () => it.capstan.deaths() > deaths + 1)
  await it.capstan.temporal.workflow.getHandle('crossing').terminate('by a person')
  await over
  const amid = await planned('left')
  expect(ruled(amid.blocks, 'switchover-runs')).toBeUndefined()
  expect(ruled(amid.warnings, 'left-amid')?.message).toContain('crossing was moving writing')
})
