/** Proof that the proofs prove: what is stored of a database goes bad where its cloud keeps it, or is no longer what production is, and a
 *  verification from its door to its verdict says so, by the rung whose task that is and by no other that passes for it. */
import type { OperationDocument } from '../../contracts/operation'
import type { RungId } from '../../contracts/verify-backup'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { labDoor } from '../support/lab'
import { createOtherTarget, MASTER_PASSWORD } from '../support/other-clouds'
import { createTarget, FIRST, type Target } from '../support/target'
import { giveRows, leftBy, verificationOf } from '../support/verifying'

const CLOUDS = ['aws', 'azure', 'gcp'] as const
type CloudName = (typeof CLOUDS)[number]

const NEWER_PASSWORD = 'changed-since-the-backup'

/** The largest table. From 17 on an index that is unique is held against its rows (amcheck 1.4): it has none. */
const ENTRIES = `CREATE TABLE public.entries AS SELECT n, repeat(md5(n::text), 4) AS filling FROM generate_series(1, 3000) n`

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
const targets = new Map<CloudName, Target>()
beforeAll(async () => {
  starting = startCapstan({
    env: {
      CAPSTAN_LAB_PROFILE: 'instant',
      SHOP_MASTER_PASSWORD: MASTER_PASSWORD,
      SHOP_NEWER_PASSWORD: NEWER_PASSWORD,
    },
  })
  capstan = await starting
  for (const cloud of CLOUDS) {
    const target = cloud === 'aws' ? await createTarget(capstan) : await createOtherTarget(cloud, capstan)
    await giveRows(target)
    const migrator = await target.migrator()
    await migrator.execute(ENTRIES)
    await migrator.close()
    targets.set(cloud, target)
  }
})
afterAll(async () => (await starting)?.close())

function targetOf(cloud: CloudName): Target {
  const target = targets.get(cloud)
  if (target === undefined) throw new Error(`nothing was made in ${cloud}`)
  return target
}

async function run(words: readonly string[], fleet: string): Promise<OperationDocument> {
  const { code, stdout, stderr } = await capstan.capstan([...words, '--fleet', fleet, '--json'])
  if (stdout === '') throw new Error(`capstan ${words.join(' ')} said nothing (exit ${code}): ${stderr}`)
  return JSON.parse(stdout) as OperationDocument
}

/** What the fleet file's checks read by an index would stumble over a table that is cut off, too: only the rows are counted. */
const countingOnly = (yaml: string): string => yaml.replace(/ {6}smoke:\n.*\n/, '')

interface Verified {
  readonly ladder: readonly string[]
  /** The rule of each finding of the rung that failed. */
  readonly rules: readonly string[]
}

/** Of what it ordered nothing is left. */
async function verified(cloud: CloudName, words: readonly string[], edit = countingOnly): Promise<Verified> {
  const target = targetOf(cloud)
  // of what is over no cloud tells whether anything in it acted by itself
  const more = cloud === 'aws' || words.includes('now') ? [] : ['--was-dormant']
  const operation = await run(['verify-backup', 'stock', ...words, ...more], target.fleet(FIRST, '', edit))
  expect(operation).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
  const verification = await verificationOf(capstan, operation.id)
  expect(verification).toMatchObject({ verdict: 'fail', proven: false })
  expect(await leftBy({ capstan, target }, operation.id)).toEqual([])
  const { ladder } = verification
  return {
    ladder: ladder.map(({ id, outcome }) => `${id} ${outcome}`),
    rules: [...new Set(ladder.flatMap(({ findings }) => findings.map(({ rule }) => rule)))],
  }
}

const takeSnapshot = async (cloud: CloudName): Promise<void> => {
  const fleet = targetOf(cloud).fleet(FIRST, '', countingOnly)
  expect(await run(['snapshot', 'stock'], fleet)).toMatchObject({ status: 'succeeded' })
}

/** As it is for a snapshot, and what is different. */
function ladderWith(of: 'snapshot' | 'now', differing: Partial<Record<RungId, string>>): string[] {
  const usual: Record<RungId, string> = {
    exists: 'pass',
    answers: 'pass',
    reached: of === 'now' ? 'pass' : 'not-proven',
    intact: 'pass',
    content: 'pass',
    use: 'pass',
  }
  return Object.entries({ ...usual, ...differing }).map(([id, outcome]) => `${id} ${outcome}`)
}

const order = (cloud: CloudName, fault: Readonly<Record<string, unknown>>): Promise<string> =>
  labDoor(capstan).order({ cloud, instance: 'stock', ...fault })

// Before anything is damaged that a restore to a moment begins with. Where a snapshot is such a beginning, it stops at its end, however slow the
// machine: behind the rows, and before the heartbeats.
test.each(['azure', 'gcp'] as const)(
  'on %s a restore to a moment stops too early and says nothing: L2 alone says so',
  async (cloud) => {
    await takeSnapshot(cloud)
    const fault = await order(cloud, { kind: 'stop-short', by: '1h', for: '10m' })
    const { ladder, rules } = await verified(cloud, ['--at', 'now'])
    await labDoor(capstan).withdraw(fault)
    expect(ladder).toEqual(ladderWith('now', { reached: 'fail' }))
    expect(rules).toEqual(['target:beat-missing'])
  },
)

test.each(['aws', 'gcp'] as const)('on %s a leaf of an index rots in the backup: L3 alone says so', async (cloud) => {
  await takeSnapshot(cloud)
  await order(cloud, { kind: 'damage-backup', part: 'index' })
  const { ladder, rules } = await verified(cloud, [])
  expect(ladder).toEqual(ladderWith('snapshot', { intact: 'fail' }))
  expect(rules).toEqual(['integrity:index'])
})

test.each(['aws', 'azure'] as const)('on %s a table is cut off in the backup: L4 alone says so', async (cloud) => {
  await takeSnapshot(cloud)
  await order(cloud, { kind: 'damage-backup', part: 'table' })
  const { ladder, rules } = await verified(cloud, [])
  expect(ladder).toEqual(ladderWith('snapshot', { content: 'fail' }))
  expect(rules).toEqual(['content:rows-missing'])
})

test('a page of a table rots in the backup: who reads its rows says so', async () => {
  await takeSnapshot('aws')
  await order('aws', { kind: 'damage-backup', part: 'page' })
  const { ladder, rules } = await verified('aws', [])
  expect(ladder).toEqual(ladderWith('snapshot', { intact: 'fail', content: 'fail' }))
  expect(rules).toEqual(['integrity:heap', 'content:unreadable'])
})

test('a role whose password was changed since: L5 alone says so', async () => {
  await takeSnapshot('aws')
  const target = targetOf('aws')
  const { secrets } = capstan.stack
  const changePassword = async (password: string): Promise<void> => {
    const admin = await target.admin()
    await admin.execute(`ALTER ROLE stock_migrator PASSWORD '${password}'`)
    await admin.close()
  }
  await changePassword(NEWER_PASSWORD)
  const { ladder, rules } = await verified('aws', [], (yaml) =>
    countingOnly(yaml).replace('env:SHOP_MIGRATOR_PASSWORD', 'env:SHOP_NEWER_PASSWORD'),
  )
  await changePassword(secrets.shopMigrator)
  expect(ladder).toEqual(ladderWith('snapshot', { use: 'fail' }))
  expect(rules).toEqual(['login:migrator'])
})

// last: nothing later than the segment can be restored any more
test.each(CLOUDS)(
  'on %s a segment of the archived log is lost: no copy comes of a moment behind it, and L1 says so',
  async (cloud) => {
    await order(cloud, { kind: 'lose-wal' })
    const { ladder, rules } = await verified(cloud, ['--at', 'now'])
    expect(ladder).toEqual([
      'exists pass',
      'answers fail',
      'reached not-proven',
      'intact not-proven',
      'content not-proven',
      'use not-proven',
    ])
    expect(rules).toEqual(['answers:unrestorable'])
  },
)

test('what cannot be damaged is said to whoever orders it', async () => {
  const admin = await targetOf('gcp').admin()
  await admin.execute('CREATE TABLE public.newer AS SELECT n, repeat(md5(n::text), 9) AS filling FROM generate_series(1, 3000) n')
  await admin.close()
  await expect(order('gcp', { kind: 'damage-backup', part: 'page' })).rejects.toThrow('it is younger than all of them')
  await expect(order('gcp', { kind: 'damage-backup' })).rejects.toThrow('part is missing; wanted is one of: page, index, table')
})
