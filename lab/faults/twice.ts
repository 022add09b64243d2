/** A request that was carried out and arrives once more, if a fault says so. */
import type { Again } from './call-faults'
import type { Fault } from './fault'

interface Endpoint {
  current(): Promise<{ log(line: string): void }>
  readonly closing: AbortSignal
}

export interface Arrived {
  readonly again?: Again | undefined
}

/** Resolves to what the caller hears. `arrive` carries it out and writes it down; the second time it is told why it came. */
export async function delivered<A extends Arrived>(
  { current, closing }: Endpoint,
  arrive: (why?: Fault) => Promise<A>,
): Promise<A> {
  const first = await arrive()
  const { again } = first
  if (again === undefined) return first
  const { why, isDue } = again
  const second = isDue.then((due) => (due ? arrive(why) : first))
  if (why.settings.heard === 'second') return second
  const unheard = second.catch(async (error) => {
    if (!closing.aborted) (await current()).log(`${why.id}: ${error}`)
  })
  if (why.delayMs === 0) await unheard
  return first
}
