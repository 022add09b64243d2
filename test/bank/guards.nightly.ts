/** With all guards there, what is found without them comes to nothing: a source that its cloud starts behind its fence ends the failover before anything is opened, and no number
 *  is given twice. */
import { chanceOf } from './chance'
import { CUT_OFF_AND_WRITES, STARTED_BEHIND_ITS_FENCE } from './own-faults'
import { runOne, Stack } from './runs'

test('whatever the guards are for, there is one writer, and nothing is lost but what was told', async () => {
  const stack = new Stack()
  try {
    const wrong: string[] = []
    for (const [at, own] of [STARTED_BEHIND_ITS_FENCE, CUT_OFF_AND_WRITES].entries()) {
      const scenario = { seed: at + 1, operation: 'failover', from: 'aws', to: 'gcp', fault: 'none', own, writers: 8 } as const
      wrong.push(...(await runOne(await stack.ground(), { ...scenario, chance: chanceOf(at + 1) })))
    }
    expect(wrong).toEqual([])
  } finally {
    await stack.close()
  }
}, 1_200_000)
