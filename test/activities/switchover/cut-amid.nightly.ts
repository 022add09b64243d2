/** As cut-amid.crash.ts, where a side falls silent behind the fence: nothing arrives there any more, or nothing comes back from it. */
import { cutAmid, SIDES, STAGES } from './cut-amid'
import { wired } from './wired'

const both = wired()

const CASES = (Object.keys(STAGES) as (keyof typeof STAGES)[]).flatMap((stage) =>
  SIDES.flatMap((side) => (['drop', 'mute'] as const).map((how) => ({ stage, side, how }))),
)

test.each(CASES)('at $stage the $side is lost ($how): nobody writes twice, nothing is lost, and writers go on', (one) =>
  cutAmid(both(), one),
)
