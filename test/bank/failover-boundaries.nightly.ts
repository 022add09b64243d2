/** A failover whose worker dies at each of its boundaries, and one that is aborted at each of its steps: one writer, what is lost is what was told, and the next one goes the
 *  other way round. The boundaries are read from a run that nothing else disturbs; CAPSTAN_FAILOVER_BOUNDARIES, a regular expression, leaves some of them out. */
import { activitiesOf } from '../crash/support/boundaries'
import { chanceOf } from './chance'
import { STEPS } from './deaths'
import type { Ground } from './ground'
import { abortedAt, diesAt } from './own-faults'
import { runOne, Stack } from './runs'
import type { OwnFault, Scenario } from './scenarios'

const WANTED = new RegExp(process.env.CAPSTAN_FAILOVER_BOUNDARIES ?? '')

const stack = new Stack()
let count = 0
afterAll(() => stack.close())

async function failover(given: Pick<Scenario, 'fault'> & Partial<Pick<Scenario, 'own'>>): Promise<readonly string[]> {
  count += 1
  const ground = await stack.ground()
  const from = ground.writes ?? 'aws'
  const to = from === 'aws' ? 'gcp' : 'aws'
  const scenario = { seed: count, operation: 'failover', writers: 4, chance: chanceOf(count), from, to, ...given } as const
  const wrong = [...(await runOne(ground, scenario)), ...(await withoutEvidence(ground))]
  // the next one begins on ground that is known
  if (wrong.length > 0) await stack.close()
  return wrong
}

async function withoutEvidence({ capstan }: Ground): Promise<string[]> {
  const record = await capstan.ledger.getOperation(`op-${count}`)
  return record?.evidence ? [] : [`op-${count}, which is ${record?.status}, has no evidence`]
}

const own = (fault: OwnFault) => failover({ fault: 'none', own: fault })

/** How often it is looked until something is so is another number each time: the first look of each is one of all. */
async function boundaries(): Promise<string[]> {
  expect(await failover({ fault: 'source goes on amid the fence' })).toEqual([])
  const { capstan } = await stack.ground()
  const calls = activitiesOf(await capstan.temporal.workflow.getHandle(`op-${count}`).fetchHistory())
  const firsts = calls.filter(({ call, queue }) => queue !== null && call.endsWith('#1'))
  return firsts.flatMap(({ call }) => [`${call}:before`, `${call}:after`, `${call}:result`])
}

test('comes through undisturbed, and then through a death at each of its boundaries', async () => {
  const all = await boundaries()
  expect(all.length).toBeGreaterThan(60)
  const wanted = all.filter((boundary) => WANTED.test(boundary))
  if (wanted.length === 0) throw new Error(`no boundary is ${WANTED}: ${all.join(', ')}`)
  const wrong: string[] = []
  for (const boundary of wanted) {
    let reached = false
    wrong.push(...(await own(diesAt(boundary, (died) => (reached = died)))))
    if (!reached) wrong.push(`${boundary} was not reached, or more died than one`)
  }
  expect(wrong).toEqual([])
}, 7_200_000)

test.each(STEPS)(
  'aborted at the step %s, it has moved writing or it has not',
  async (step) => {
    expect(await own(abortedAt(step))).toEqual([])
  },
  600_000,
)
