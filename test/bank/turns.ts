/** Who accepted writes, one after the other. A write took effect at some moment between its sending and its answer, so that two of two servers that were
 *  under way at the same time prove nothing; one that was sent after the other's was answered came later. Of all orders that the clients' times allow this finds one
 *  with the fewest turns: a turn too many is a second writer. */
import type { Server } from './history'

export interface Write {
  readonly server: Server
  readonly from: number
  /** Infinity: it took effect, and no answer came. */
  readonly to: number
}

/** Whoever's turn it is keeps it until a write of another has to have taken effect, the latest moment there is; what is his and was sent by then is his. `first`: who
 *  began, where he wrote at all. */
export function turnsOf(writes: readonly Write[], first: Server): Server[] {
  let left = [...writes].sort((a, b) => a.to - b.to)
  const turns: Server[] = []
  let turn = left.some(({ server }) => server === first) ? first : left[0]?.server
  while (turn !== undefined) {
    const now = turn
    turns.push(now)
    const next = left.find(({ server }) => server !== now)
    left = left.filter(({ server, from }) => server !== now || from > (next?.to ?? Number.POSITIVE_INFINITY))
    turn = next?.server
  }
  return turns
}
