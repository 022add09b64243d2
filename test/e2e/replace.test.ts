/** A restored copy takes the instance's place, and a person is needed past the point of no return. */
import { retirementOfOld } from '../../contracts/old-instance'
import { REPLACE_STEPS } from '../../contracts/replace'
import { recordHistory } from '../support/histories'
import { labDoor } from '../support/lab'
import { isAt, migrating } from '../support/migrating'
import { ReplacementDesk } from '../support/replacements'
import { fillItems, moment, RestoreDesk } from '../support/restores'
import { FIRST } from '../support/target'

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))
let desk: RestoreDesk
let replacing: ReplacementDesk
let fleet: string
beforeAll(() => {
  desk = new RestoreDesk(it.capstan, () => fleet)
  replacing = new ReplacementDesk(it, desk)
})
beforeEach(async () => {
  fleet = it.target.fleet(FIRST)
  await fillItems(it.target)
})

const APPROVED = Object.values(REPLACE_STEPS).filter(({ id }) => id !== REPLACE_STEPS.removeCopy.id)

test('the moment before takes the place, and what was written since is told by key; who still names the old instance is refused', async () => {
  const at = await moment()
  await it.rows(`DELETE FROM public.items WHERE id <= 3`)
  const [later] = await it.rows<{ id: number }>(`INSERT INTO public.items (name) VALUES ('later') RETURNING id`)
  await it.rows('CREATE TABLE public.newer AS SELECT 1 AS n')
  await desk.reach('cut', at)
  const ended = replacing.begin('cut', at, '--keep-old', '14d')
  const { planDigest } = await replacing.asked('cut')
  const report = await replacing.report('cut')
  expect(report.tables).toEqual([
    expect.objectContaining({ table: 'public.items', onlyInLive: 1, onlyInCopy: 3, changed: 0, exact: true, key: ['id'] }),
  ])
  expect(report.tables[0]?.rows).toContain(`only in the instance: id = ${later?.id}`)
  expect(report.notCompared).toEqual([{ table: 'public.newer', why: 'only the instance has it' }])
  const shown = (await desk.cli('ops', 'show', 'cut', '--plan')).stdout
  expect(shown).toContain(`only in the instance: id = ${later?.id}`)
  // past the point of no return a refusal waits for a person, and nothing is taken back
  const door = labDoor(it.capstan)
  await door.order({ kind: 'throttle', operation: 'AddTagsToResource', times: 1000 })
  await replacing.approve('cut')
  await it.until('the hand-over', async () => isAt(await replacing.operation('cut'), 'hand-over', 'running'))
  const abort = async () => JSON.parse((await desk.cli('ops', 'abort', 'cut', '--by', 'bob', '--json')).stdout) as unknown
  expect(await abort()).toMatchObject({ error: { code: 'NO_WAY_BACK' } })
  await door.withdrawAll()
  await door.order({ kind: 'fail', operation: 'AddTagsToResource', code: 'InvalidParameterCombination', times: 1000 })
  await it.until('a person to be needed', async () => (await replacing.operation('cut')).status === 'needs-operator')
  expect(await abort()).toMatchObject({ error: { code: 'OPERATION_NOT_WAITING', message: expect.stringContaining('no return') } })
  await door.withdrawAll()
  // whoever watched was told that a person is needed
  expect((await ended).code).toBe(6)
  expect((await desk.cli('ops', 'resolve', 'cut', 'retry', '--by', 'bob')).code).toBe(0)
  await it.until('the end', async () => (await replacing.operation('cut')).finishedAt !== null)
  const operation = await replacing.operation('cut')
  expect(operation).toMatchObject({ kind: 'replace', status: 'succeeded', verdict: 'pass', failure: null, planDigest })
  expect(operation.steps.map(({ id, state }) => [id, state])).toEqual(APPROVED.map(({ id }) => [id, 'done']))
  await recordHistory(it.capstan.temporal, 'cut', 'replace')

  const tags = await replacing.tags()
  expect(tags).toEqual({
    stock: { 'capstan-replaced-by': 'cap-cut-copy' },
    'cap-cut-copy': { 'capstan-took-over': 'cut' },
  })
  expect(await it.locked()).toBe(false)
  const old = await desk.restore('old-entry', '--to', at, '--plan')
  expect(old.operation.failure).toMatchObject({ code: 'TARGET_MISMATCH', message: expect.stringContaining('cap-cut-copy') })
  expect((await desk.cli('ops', 'show', 'cut')).stdout).toContain('point of no return: ')
  await keptUntilRemoved()
})

interface Listed {
  readonly due: boolean
  readonly until: string
}

async function replaced(): Promise<Listed[]> {
  return (JSON.parse((await desk.cli('restore', 'list', '--json')).stdout) as { replaced: Listed[] }).replaced
}

async function look(...words: string[]): Promise<{ code: number; standing: string; against: string[]; commands: string[] }> {
  const { code, stdout } = await desk.cli('restore', 'old', 'cut', '--fleet', fleet, '--json', ...words)
  return { code, ...(JSON.parse(stdout) as { standing: string; against: string[]; commands: string[] }) }
}

/** What people say is written down at once, also while the cloud refuses the daily look. */
async function heardWhileRefused(): Promise<void> {
  const door = labDoor(it.capstan)
  const retirement = it.capstan.temporal.workflow.getHandle(retirementOfOld('cut'))
  const refused = async () =>
    ((await retirement.fetchHistory()).events ?? []).some(({ activityTaskFailedEventAttributes: failed }) => failed)
  expect(await refused()).toBe(false)
  await door.order({ kind: 'fail', operation: 'DescribeDBInstances', code: 'AccessDenied', times: 1000 })
  expect((await desk.cli('restore', 'keep', 'cut', '--for', '1s')).code).toBe(0)
  await it.until('the daily look to be refused', refused)
  const longer = await desk.cli('restore', 'keep', 'cut', '--for', '30d', '--json')
  expect([longer.code, (await replaced())[0]?.until]).toEqual([0, (JSON.parse(longer.stdout) as Listed).until])
  await door.withdrawAll()
}

/** The old instance: kept, told when its time is over, never removed by itself, and what speaks against its removal is told until nothing does. */
async function keptUntilRemoved(): Promise<void> {
  await it.until('its time', async () => (await replaced()).length === 1)
  const of = { operation: 'cut', database: 'stock', cloud: 'aws', instance: 'stock', replacement: 'cap-cut-copy', due: false }
  expect(await replaced()).toEqual([expect.objectContaining(of)])
  const early = await look()
  expect([early.code, early.standing]).toEqual([1, 'there'])
  expect(early.against).toEqual([
    expect.stringContaining('Its time is not over'),
    expect.stringContaining('The fleet file names it'),
    expect.stringContaining('Nobody can be asked where applications are led'),
  ])

  const said = await desk.cli('restore', 'keep', 'cut', '--for', '30d', '--by', 'carol', '--json')
  const longer = JSON.parse(said.stdout) as Listed
  expect((await replaced())[0]).toMatchObject({ until: longer.until, by: 'carol' })
  expect((await desk.cli('restore', 'remove', 'cut')).code).toBe(2)
  const shorten = () => desk.cli('restore', 'keep', 'cut', '--for', '1s')
  expect((await shorten()).code).toBe(0)
  await it.until('the end of its time', async () => (await replaced())[0]?.due === true)
  expect((await desk.cli('restore', 'list')).stdout).toContain('"capstan restore old cut"')
  const { host, port } = it.target
  const moved = (migrator = 'user: stock_migrator,') =>
    it.target.fleet(FIRST, '', (yaml) =>
      yaml.replace('instance: stock\n', 'instance: cap-cut-copy\n').replace('user: stock_migrator,', migrator),
    )
  fleet = moved(`user: stock_migrator, host: ${host}, port: ${port},`)
  expect((await look('--applications-moved')).against).toEqual(['The fleet file leads to it: connections.migrator of stock.'])
  fleet = moved()
  // the fleet file names no endpoint
  expect(await look()).toMatchObject({ code: 1, against: [expect.stringContaining('--applications-moved')] })
  const { code, against, commands } = await look('--applications-moved')
  expect([code, against]).toEqual([0, []])
  expect(commands.join()).toContain('--db-instance-identifier stock --final-db-snapshot-identifier stock-last')
  expect(Object.keys(await replacing.tags())).toContain('stock')

  // opened for a moment, it may have been written to, though it is closed again
  const keyhole = await replacing.throughKeyhole(it.target)
  await keyhole.execute('ALTER DATABASE stock ALLOW_CONNECTIONS true')
  expect((await look('--applications-moved')).against).toContain('Database stock takes connections again.')
  await keyhole.execute('ALTER DATABASE stock ALLOW_CONNECTIONS false').finally(() => keyhole.close())
  const altered = await look('--applications-moved')
  expect(altered.against).toEqual([expect.stringContaining('Database stock was altered since it was closed')])

  await heardWhileRefused()
  await replacing.renameByHand('stock', 'stock-before')
  const renamed = await look('--applications-moved')
  expect([renamed.code, renamed.standing]).toEqual([1, 'there'])
  expect(renamed.against).toContain('It was renamed to stock-before since: somebody may mean to use it.')
  expect(renamed.commands.join()).toContain('--db-instance-identifier stock-before ')
  await replacing.renameByHand('stock-before', 'stock')

  await replacing.removeByHand('stock')
  await it.until('its end', async () => (await replacing.tags()).stock === undefined)
  await shorten()
  await it.capstan.temporal.workflow.getHandle(retirementOfOld('cut')).result()
  await recordHistory(it.capstan.temporal, retirementOfOld('cut'), 'retire-old')
  expect(await replaced()).toEqual([])
  expect((await desk.cli('restore', 'old', 'cut', '--fleet', fleet)).code).toBe(3)
}
