/** Fifty moments of each cloud, and what they came to. */
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
    const figures = await provesMoments(lab.clouds[name], { address: lab.address, moments: 50, seed: 20_260 })
    process.stdout.write(`${JSON.stringify(figures)}\n`)
    expect(figures.moments).toBe(50)
    // as many as there are writers at each moment, and rarely any: otherwise nothing would be proven
    expect(figures.inDoubt).toBeLessThanOrEqual(3 * 50)
  },
  3_600_000,
)
