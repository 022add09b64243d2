/** A few moments of each cloud; fifty of each: seeded-moments.nightly.ts. */
import { type MomentsLab, openMomentsLab } from './moments/lab'
import { provesMoments } from './moments/seeded'

let lab: MomentsLab
beforeAll(async () => {
  lab = await openMomentsLab()
})
afterAll(() => lab.close())

test.each(['aws', 'azure', 'gcp'] as const)(
  'on %s moments drawn under three writers are restored to the transaction',
  async (name) => {
    const figures = await provesMoments(lab.clouds[name], { address: lab.address, moments: 4, seed: 20_260 })
    process.stdout.write(`${JSON.stringify(figures)}\n`)
    expect(figures.moments).toBe(4)
    // as many as there are writers at each moment, and rarely any: otherwise nothing would be proven
    expect(figures.inDoubt).toBeLessThanOrEqual(3 * 4)
  },
  150_000,
)
