/** Whatever `docs/lab-differences.md` and the help of `capstan lab` show as a command works as shown, against a real lab. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { capstan } from '../client/recorded-io'
import { ask, available, createInstance, openLab, snapshotAvailable, type TestLab } from './fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
  const shop = await createInstance(lab, 'shop', { BackupRetentionPeriod: 1 })
  // what backups can be damaged in
  await ask(lab, shop, 'CREATE TABLE items AS SELECT n FROM generate_series(1, 1000) n')
  await ask(lab, shop, 'CREATE INDEX ON items (n)')
  await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'shop', DBSnapshotIdentifier: 'before-faults' })
  await snapshotAvailable(lab, 'before-faults')
})
afterAll(() => lab.remove())
afterEach(() => lab.call('DELETE', '/_lab/faults'))

const inLab = (...args: string[]) => capstan(args, { env: { CAPSTAN_LAB_API: lab.lab.api, CAPSTAN_LAB_TOKEN: lab.lab.labToken } })

async function orderFaults(...ids: string[]): Promise<void> {
  for (const id of ids) await lab.call('POST', '/_lab/faults', { kind: 'throttle', operation: 'DeleteDBSnapshot', id })
}

/** Commands of an indented block or between backquotes, without what is said beside them. */
function commandsOf(text: string): string[][] {
  const shown = [...text.matchAll(/(?:^ {4}|`|\$ )capstan (lab [^`\n]*?)(?:`| {3}|$)/gm)].map(([, command = '']) =>
    command.trim(),
  )
  return [...new Set(shown)].filter((command) => !/NAME|lab reset/.test(command)).map((command) => command.split(/\s+/))
}

const documented = commandsOf(readFileSync(join(__dirname, '..', '..', 'docs', 'lab-differences.md'), 'utf8'))

test('there are examples of every kind', () => {
  expect(new Set(documented.filter(([, word]) => word === 'fault').map(([, , kind]) => kind)).size).toBeGreaterThanOrEqual(15)
})

test.each(documented.map((command) => [command.join(' '), command]))('%s', async (_, command) => {
  // what is taken back has to be there
  if (command.includes('clear')) await orderFaults('f1', 'f2')
  expect(await inLab(...command)).toMatchObject({ exit: 0, err: '' })
  await inLab('lab', 'profile', 'fast')
})

test('the help of every command shows examples that work', async () => {
  const asked = ['status', 'fault', 'calls', 'profile'].map(async (name) => (await capstan(['lab', name, '--help'])).out)
  const shown = commandsOf((await Promise.all(asked)).join('\n'))
  expect(shown.length).toBeGreaterThan(12)
  for (const command of shown) {
    if (command.includes('clear')) await orderFaults('f1', 'f2')
    const { exit, err } = await inLab(...command)
    expect({ command, exit, err }).toEqual({ command, exit: 0, err: '' })
    await lab.call('DELETE', '/_lab/faults')
  }
  await inLab('lab', 'profile', 'fast')
})

test('a fault ordered by hand strikes, is listed until then, and shows in the calls', async () => {
  await lab.call('DELETE', '/_lab/faults')
  await available(lab, 'shop')
  expect((await inLab('lab', 'fault', 'throttle', 'CreateDBSnapshot', '--instance', 'shop', '--id', 'mine')).out).toMatch(
    /^FAULT.*\nmine +throttle +CreateDBSnapshot shop +1 +0 +\d{4}-/,
  )
  expect((await inLab('lab', 'status')).out).toMatch(/shop +available.*\nFAULT.*\nmine/s)
  const { json } = await inLab('lab', 'calls', '--json')
  await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'shop', DBSnapshotIdentifier: 'by-hand' })
  await snapshotAvailable(lab, 'by-hand')
  const calls = await inLab('lab', 'calls', '--since', String((json as { last: number }).last))
  expect(calls.out).toMatch(/CreateDBSnapshot +shop by-hand +Throttling +mine throttle\n/)
  expect(calls.out).toMatch(/CreateDBSnapshot +shop by-hand +ok +yes\n/)
  expect((await inLab('lab', 'fault', 'list')).out).toBe('No faults are ordered.\n')
  expect(await inLab('lab', 'fault', 'crash-instance', '--instance', 'nobody')).toMatchObject({
    exit: 2,
    err: expect.stringContaining('instance is "nobody", which is not in this lab; there are: shop.'),
  })
  expect(await inLab('lab', 'fault', 'clear', 'f99')).toMatchObject({
    exit: 3,
    err: expect.stringContaining('There is no fault "f99"'),
  })
})
