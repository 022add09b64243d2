/** An instance of Google Cloud that is overwritten in place under writers. */
import { freshBackupOf } from '../../../contracts/overwrite'
import { isAt } from '../../support/migrating'
import { ReplacementDesk, startJournal } from '../../support/replacements'
import { fillItems, RestoreDesk } from '../../support/restores'
import { FIRST } from '../../support/target'
import type { Crashing } from './crashing'

interface Overwriting {
  /** Starts it, has it approved, and does not wait. */
  begin(operation: string, snapshot: string): Promise<void>
  /** How often Google was told to overwrite, and heard it. */
  heard(): Promise<number>
}

/** With a snapshot that it may be overwritten with. */
async function prepared(it: Crashing): Promise<Overwriting> {
  const fleet = it.target.fleet(FIRST)
  const desk = new RestoreDesk(it.capstan, () => fleet)
  const deciding = new ReplacementDesk(it, desk)
  await fillItems(it.target)
  await desk.cli('snapshot', 'stock', '--fleet', fleet, '--json', '--operation', 'nightly')
  const since = await it.lab.mark()
  return {
    async begin(operation, snapshot) {
      await desk.begin(operation, '--snapshot', snapshot, '--in-place', '--no-wait')
      await deciding.asked(operation)
      await deciding.approve(operation)
    },
    heard: async () =>
      (await it.lab.calls(since)).filter(({ operation, effect }) => operation === 'instances.restoreBackup' && effect).length,
  }
}

const NIGHTLY = 'cap-nightly-take'

/** Resolves to what is wrong once it was overwritten, a sentence each. */
export async function overwrittenOnce(it: Crashing, operation: string): Promise<string[]> {
  const { begin, heard } = await prepared(it)
  await begin(operation, NIGHTLY)
  const isOver = async () => isAt(await it.operation(operation), 'overwrite', 'done')
  await it.until('the overwriting', async () => (await heard()) > 1 || (await isOver()))
  const times = await heard()
  return times === 1 ? [] : [`the instance was overwritten ${times} times`]
}

/** Resolves to what the way back lacks, a sentence each. */
export async function overwrittenAndBack(it: Crashing, operation: string): Promise<string[]> {
  const { begin } = await prepared(it)
  const journal = startJournal(() => it.target.app())
  await it.until('some commits', async () => journal.acknowledged.length > 10)
  await begin(operation, NIGHTLY)
  await it.until('the fence', async () => isAt(await it.operation(operation), 'fence', 'done'))
  await journal.stop()
  const ended = (id: string) => it.until(`the end of ${id}`, async () => (await it.operation(id)).finishedAt !== null)
  await ended(operation)
  await begin(`${operation}-back`, freshBackupOf(operation))
  await ended(`${operation}-back`)
  const rows = await it.rows<{ name: string }>(`SELECT name FROM public.items WHERE name LIKE 'commit %'`)
  const there = new Set(rows.map(({ name }) => name))
  return journal.acknowledged.filter((name) => !there.has(name)).map((name) => `the way back lacks the acknowledged ${name}`)
}
