/** Behind the fence one side is cut off from the control plane, at each stage; what only falls silent is for the night (cut-amid.nightly.ts), since it takes as long as a stage may. */
import { cutAmid, SIDES, STAGES } from './cut-amid'
import { wired } from './wired'

const both = wired()

const CASES = (Object.keys(STAGES) as (keyof typeof STAGES)[]).flatMap((stage) =>
  SIDES.flatMap((side) => (['cut'] as const).map((how) => ({ stage, side, how }))),
)

test.each(CASES)('at $stage the $side is lost ($how): nobody writes twice, nothing is lost, and writers go on', (one) =>
  cutAmid(both(), one),
)
