/** Writing moves between all pairs of clouds, disturbed in every way that the lab and the machine know, while a bank goes on: CAPSTAN_RUNS scenarios (500) from CAPSTAN_SEED on (the
 *  day's number, so that each night has others). Each says its seed; that and CAPSTAN_RUNS=1 draw it again. */
import { runAll } from './runs'

const RUNS = Number(process.env.CAPSTAN_RUNS ?? 500)
const SEED = Number(process.env.CAPSTAN_SEED ?? Math.floor(Date.now() / 86_400_000) * 1_000)

test(
  `${RUNS} scenarios from seed ${SEED} on: one writer, and nothing that was acknowledged is lost`,
  async () => {
    const seeds = Array.from({ length: RUNS }, (_, at) => SEED + at)
    const { wrong, done } = await runAll(seeds)
    process.stdout.write(`${done} scenarios, ${wrong.length} sentences about what is wrong\n`)
    expect(wrong).toEqual([])
  },
  12 * 3_600_000,
)
