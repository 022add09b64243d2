import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Journal, readJournal } from '../../client/break-glass/journal'

const KEY = Buffer.from('ab'.repeat(32), 'hex')
let dir: string
let file: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'capstan-journal-'))
  file = join(dir, 'journal.jsonl')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const told = (event: 'begin' | 'before' | 'after' | 'end', step: string | null = null) =>
  ({ event, deed: 'finish', by: 'ada', step, said: event }) as const

async function written(key: Buffer | null, ...events: ('begin' | 'before' | 'after' | 'end')[]): Promise<void> {
  const journal = await Journal.open(file, 'switchover-shop-1', key)
  for (const event of events) await journal.write(told(event, event === 'before' || event === 'after' ? 'cross' : null))
  await journal.close()
}

const lines = () => readFileSync(file, 'utf8').trimEnd().split('\n')
const altering = (change: (all: string[]) => string[]) => writeFileSync(file, `${change(lines()).join('\n')}\n`)

test('what was written is read again, for its owner alone; a journal is gone on with', async () => {
  await written(KEY, 'begin', 'before')
  await written(KEY, 'begin', 'after', 'end')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const journal = await readJournal(file, KEY)
  expect(journal).toMatchObject({ deed: 'finish', outcome: 'succeeded-by-hand', by: 'ada', sealed: true })
  expect(journal.entries.map(({ sequence, event }) => `${sequence} ${event}`)).toEqual([
    '1 begin',
    '2 before',
    '3 begin',
    '4 after',
    '5 end',
  ])
})

test('a line that was half written by whoever was killed is cut off, and the rest holds', async () => {
  await written(null, 'begin', 'before')
  appendFileSync(file, '{"version":1,"sequence":3,')
  await written(null, 'begin', 'end')
  expect((await readJournal(file, null)).entries).toHaveLength(4)
})

test.each([
  ['altered', (all: string[]) => all.map((line) => line.replace('"by":"ada"', '"by":"eve"'))],
  ['left out', (all: string[]) => [...all.slice(0, 1), ...all.slice(2)]],
  ['put elsewhere', (all: string[]) => [...all.slice(0, 1), all[2] ?? '', all[1] ?? '', ...all.slice(3)]],
  ['of nobody', (all: string[]) => [...all, 'hello']],
])('a line that was %s is found, by who reads it and by who would go on with it', async (_how, change) => {
  await written(KEY, 'begin', 'before', 'after', 'end')
  altering(change)
  await expect(readJournal(file, KEY)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  await expect(Journal.open(file, 'switchover-shop-1', KEY)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
})

test('with a key, lines without its seal are refused', async () => {
  await written(null, 'begin', 'end')
  await expect(readJournal(file, KEY)).rejects.toThrow('not sealed by the key')
})

test('one that has not come to its end is not reconciled, and one of another operation is not gone on with', async () => {
  await written(null, 'begin', 'before')
  await expect(readJournal(file, null)).rejects.toMatchObject({ code: 'OPERATION_NOT_WAITING' })
  await expect(Journal.open(file, 'another-one', null)).rejects.toThrow('it is of switchover-shop-1')
})

test('of two that write the same file the first stops before it does anything more', async () => {
  const first = await Journal.open(file, 'switchover-shop-1', null)
  await first.write(told('begin'))
  await written(null, 'begin')
  await expect(first.write(told('before', 'cross'))).rejects.toThrow('Somebody else writes this journal')
  await first.close()
})
