/** verify-backup on Azure and Google Cloud: a snapshot, and a moment between two heartbeats. */
import type { OperationDocument } from '../../contracts/operation'
import type { VerificationPlan } from '../../contracts/verify-backup'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { createOtherTarget, MASTER_PASSWORD, OTHER_CLOUDS, type OtherTarget } from '../support/other-clouds'
import { FIRST } from '../support/target'
import { expectLadder, giveRows, verificationOf, verifying } from '../support/verifying'

// A program for each command, a restore and a removal for each verification: a busy machine takes minutes.

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
})
afterAll(async () => (await starting)?.close())

async function run(
  target: OtherTarget,
  words: readonly string[],
  edit?: (yaml: string) => string,
): Promise<OperationDocument & { plan?: VerificationPlan }> {
  const { stdout, stderr } = await target.run([...words, '--json'], target.fleet(FIRST, '', edit))
  const document = JSON.parse(stdout || '{}') as OperationDocument & { plan?: VerificationPlan }
  if (document.id === undefined) throw new Error(`capstan ${words.join(' ')} started nothing: ${stdout}${stderr}`)
  return document
}

async function planOf(target: OtherTarget, words: readonly string[]): Promise<VerificationPlan> {
  const { plan, failure } = await run(target, words)
  if (plan === undefined || plan === null) throw new Error(`there is no plan: ${failure?.message}`)
  return plan
}

async function expectTidy(target: OtherTarget, operation: string): Promise<void> {
  expect(await target.leftovers()).toEqual([])
  const left = (await capstan.ledger.listResources({ operation })).filter(({ removedAt }) => removedAt === null)
  expect(left).toEqual([])
  expect(await verifying(capstan, target)).toBe(false)
}

test.each(OTHER_CLOUDS)('on %s a snapshot and a moment are restored, proven and removed', async (cloud) => {
  const target = await createOtherTarget(cloud, capstan)
  await giveRows(target)
  expect(await run(target, ['snapshot', 'stock'])).toMatchObject({ status: 'succeeded' })
  // Azure restores a moment for it, with the settings of then
  const unsaid = cloud === 'azure' ? await run(target, ['verify-backup', 'stock']) : null
  if (unsaid !== null)
    expect(unsaid.failure).toMatchObject({ code: 'CANARY_NOT_INERT', message: expect.stringContaining('--was-dormant') })
  // By the clock there is nobody who could say so, but the fleet file: `neverActs`.
  const vouched = (yaml: string) => `${yaml}    verification: { neverActs: true }\n`
  const snapshot = await run(target, ['verify-backup', 'stock', '--by-turns'], vouched)
  const ofSnapshot = await verificationOf(capstan, snapshot.id)
  expectLadder(ofSnapshot, ['exists pass', 'answers pass', 'reached not-proven', 'intact pass', 'content pass', 'use pass'])
  expect(snapshot).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  await expectTidy(target, snapshot.id)
  // Then it is a moment's turn, for which nobody vouches without that word.
  const next = await planOf(target, ['verify-backup', 'stock', '--by-turns', '--plan'])
  expect(next.point.kind).toBe(cloud === 'aurora' ? 'moment' : 'now')
  expect(next.turn).toContain(cloud === 'aurora' ? 'drawn at random' : 'nobody vouches for it')

  const moment = await run(target, ['verify-backup', 'stock', '--at', 'now'])
  const ofMoment = await verificationOf(capstan, moment.id)
  expectLadder(ofMoment, ['exists pass', 'answers pass', 'reached pass', 'intact pass', 'content pass', 'use pass'])
  expect(ofMoment.controls?.map(({ rung, outcome }) => `${rung} ${outcome}`)).toEqual(['reached noticed', 'content noticed'])
  expect(moment).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  // Azure names no newest moment: what a recovery would lose is not told there
  expect(ofMoment.rpoMs === null).toBe(cloud === 'azure')
  await expectTidy(target, moment.id)
})
