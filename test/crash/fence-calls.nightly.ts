/** The calls by which RDS and Azure close and stop an instance go wrong, a way each. */
import { FenceCalls, WRONGS } from './support/fence-calls'

let starting: Promise<FenceCalls> | undefined
afterAll(async () => (await starting)?.close())

test('an instance is proven fenced, and put back as it was, whatever becomes of a call that closes or stops it', async () => {
  starting = FenceCalls.start()
  const fences = await starting
  const onEach = (['aws', 'azure'] as const).map(async (cloud, first) => {
    const changing = (await fences.undisturbed(cloud)).filter(({ effect }) => effect)
    expect([cloud, changing.length > 1]).toEqual([cloud, true])
    for (const [at, call] of changing.entries()) {
      const wrong = WRONGS[(first + at) % WRONGS.length]
      if (wrong !== undefined) await fences.disturbed(cloud, call, wrong)
    }
  })
  for (const told of await Promise.allSettled(onEach)) if (told.status === 'rejected') throw told.reason
})
