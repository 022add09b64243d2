/** Has the endpoint moved by a program of the workers' room, which is given this command's environment: doors act on no endpoint by themselves. What it cannot do is told, and
 *  a person does it. What an endpoint is made of says the fleet file, and never the papers: whoever altered those would choose which program runs, and where a password is sent. */
import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import type {
  BreakGlassDeed,
  BreakGlassPapers,
  LeadingAnswer,
  LeadingByHand,
  LeadingSaid,
  LedByHand,
} from '../../contracts/break-glass'
import { DIST } from '../config'
import type { Environment } from '../environment'
import { findDatabase, type LoadedFleet } from '../fleet/read-fleet'
import { shownInput } from '../shown-input'

/** Sources, as tests run them, lie beside what is compiled of them. */
const PROGRAM = path.join(DIST, path.basename(DIST) === 'dist' ? '' : 'dist', 'workers', 'endpoint-by-hand.js')
/** Longer than a program of the fleet file may take, and than a name in a DNS is waited for. */
const LIMIT_MS = 900_000

export interface Leader {
  readonly deed: BreakGlassDeed
  readonly papers: BreakGlassPapers
  readonly fleet: LoadedFleet
  readonly env: Environment
  /** Whether nobody has begun since. */
  readonly isCurrent: () => Promise<boolean>
}

/** Never fails. */
export async function leadApplications({ deed, papers, fleet, env, isCurrent }: Leader): Promise<LedByHand> {
  const { name, endpoint = { kind: 'none' as const } } = findDatabase(fleet, papers.sides.source.name)
  const { operation, sides } = papers
  const { kind, at } = papers.endpoint
  if (kind !== endpoint.kind)
    return left(
      `the papers speak of an endpoint of the kind ${shownInput(kind)}, and the fleet file of one of the kind ${endpoint.kind}`,
    )
  const placeOf = ({ host, port }: { readonly host: string; readonly port: number }) => ({ host, port })
  const way = { from: placeOf(at ?? sides.source), to: placeOf(sides.standby) }
  return led({ operation, deed, database: { name, endpoint }, ...way }, env, isCurrent)
}

const left = (said: string): LedByHand => ({ moved: false, said })

function led(leading: LeadingByHand, env: Environment, isCurrent: Leader['isCurrent']): Promise<LedByHand> {
  if (!existsSync(PROGRAM)) return Promise.resolve(left('the program that moves endpoints is not compiled here'))
  return new Promise((resolve) => {
    const child = fork(PROGRAM, [], { env: { ...env }, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    let end = left('the program that moves endpoints ended before it said what became of it')
    const limit = setTimeout(() => {
      end = left(`it was not through within ${LIMIT_MS / 1000} s`)
      // it ends what it has started, and itself
      child.disconnect()
    }, LIMIT_MS)
    child.on('message', (said: LeadingSaid) => {
      if ('led' in said) {
        end = said.led
        return
      }
      const answer = (current: boolean) => {
        if (child.connected) child.send({ answer: said.ask, current } satisfies LeadingAnswer)
      }
      void isCurrent().then(answer, () => answer(false))
    })
    child.once('error', () => undefined)
    child.once('close', () => {
      clearTimeout(limit)
      resolve(end)
    })
    child.send(leading, () => undefined)
  })
}
