/** Two servers whose wires a test may cut, for as long as the tests of a file run. */
import type { PostgresMajor } from '../../../pgserver/binaries'
import { type Movers, startMovers } from './moving'
import { startWires, type Wires } from './wires'

export interface Wired {
  readonly movers: Movers
  readonly wires: Wires
}

/** To be called once in a file; what it resolves to is there within its tests. */
export function wired(source: PostgresMajor = 17): () => Wired {
  let both: Wired | undefined
  let movers: Movers | undefined
  beforeAll(async () => {
    movers = await startMovers(source)
    both = { movers, wires: await startWires(movers) }
  })
  afterAll(async () => {
    await both?.wires.close()
    await movers?.stop()
  })
  return () => {
    if (both === undefined) throw new Error('they are there within a test')
    return both
  }
}
