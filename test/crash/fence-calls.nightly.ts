/** The calls by which RDS and Azure close and stop an instance go wrong, a way each. */
import { FenceCalls, WRONGS } from './support/fence-calls'

let starting: Promise<FenceCalls> | undefined
beforeAll(async () => {
  starting = FenceCalls.start()
  await starting
})
afterAll(async () => (await starting)?.close())

test('an instance is proven fenced, and put back as it was, whatever becomes of a call that closes or stops it', async () => {
  const fences = await starting
  if (fences === undefined) throw new Error('nothing was started')
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

test.each(['aws', 'azure', 'gcp'] as const)(
  'on %s it is so too when every call arrives twice, whichever of both answers is heard',
  async (cloud) => {
    const fences = await starting
    for (const heard of ['first', 'second'] as const) await fences?.allTwice(cloud, heard)
  },
)
